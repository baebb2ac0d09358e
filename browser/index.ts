/**
 * The client in a web page: `import { connect } from 'sphynx-pi/browser'`. It runs in its own workers.
 *
 * @module
 */
import type { BundleHeader } from '../client/bundle-header.ts';
import type { Classification } from '../client/classify.ts';
import { inputInWords } from '../client/input-words.ts';
import { completeDeadlines, type Deadlines, ONLINE_THREADS } from '../client/limits.ts';
import { several } from '../client/several.ts';
import { isValues, type ValuesInput } from '../client/values.ts';
import { SphynxError } from '../errors/sphynx-error.ts';
import type { ModelCard } from '../model/card.ts';
import type { ModelSummary } from '../transport/messages.ts';
import type { CallOptions } from './client-worker.ts';
import { openWorker } from './open-worker.ts';
import { type PageImage, pixelsOf } from './pixels.ts';
import { WorkerSlot } from './worker-slot.ts';

export type { BundleHeader } from '../client/bundle-header.ts';
export type { Classification } from '../client/classify.ts';
export { answerInWords, inputInWords } from '../client/input-words.ts';
export type { Deadlines } from '../client/limits.ts';
export { greyOf } from '../client/normalise.ts';
export type { PassedSegment, SegmentListener } from '../client/observed-channel.ts';
export type { PrepareProgress } from '../client/prepare.ts';
export type { Score } from '../client/scores.ts';
export type { ValuesInput } from '../client/values.ts';
export { SphynxError, type SphynxErrorCode } from '../errors/sphynx-error.ts';
export type { ModelCard } from '../model/card.ts';
export type { OutputHead } from '../model/head.ts';
export type { ModelSummary } from '../transport/messages.ts';
export type { CallOptions } from './client-worker.ts';
export { type PageImage, pixelsOf } from './pixels.ts';

/** Options of `prepare`. */
export interface PrepareOptions extends CallOptions {
  /** `NAME`, or `NAME@HASH` for one version; may be left out if the server has one model only. */
  readonly model?: string;
  /** Bundles to prepare: one for each input. Default 1. */
  readonly count?: number;
}

/** Options of `classify`. */
export interface ClassifyOptions extends CallOptions {
  /** `NAME`, or `NAME@HASH` for one version; may be left out if the server has one model only. */
  readonly model?: string;
  /** Number of entries in `top`. Default: 5 classes; all independent labels; all values. */
  readonly topK?: number;
}

/** Options of `connect`. */
export interface ConnectOptions {
  /**
   * Bearer token that authenticates the caller, or a function that returns the current one: it is called for each call,
   * and every 30 seconds while calls run.
   */
  readonly token?: string | (() => string);
  /** URL of `worker.js`, if it is not beside this module. Bundlers such as Vite and webpack find it automatically. */
  readonly worker?: URL | string;
  /** Deadlines for waiting for the server; each has a default. */
  readonly deadlines?: Partial<Deadlines>;
  /** Stops the attempt to connect. */
  readonly signal?: AbortSignal;
}

/**
 * Connects to the server at `address` (`wss://HOST:PORT`) and asks it for its models.
 *
 * @throws SphynxError 'server/unreachable', 'protocol/deadline', 'identity/missing', 'identity/invalid',
 * 'storage/failed' or 'config/invalid'
 */
export async function connect(
  address: string,
  { signal, deadlines, ...given }: ConnectOptions = {},
): Promise<BrowserClient> {
  if (!isSecureContext)
    throw new SphynxError(
      'config/invalid',
      'browsers give this page neither storage nor locks: serve it over https, or from localhost',
    );
  const settings = { ...given, address, deadlines: completeDeadlines(deadlines) };
  const { worker, durable } = await openWorker({ ...settings, warmUp: true }, signal);
  const open = async (warmUp: boolean) => {
    const opened = await openWorker({ ...settings, warmUp });
    if (opened.durable === durable) return opened.worker;
    opened.worker.close();
    throw new SphynxError(
      'storage/failed',
      "the browser's storage was available to only one of the client's workers; reload the page",
    );
  };
  const online = new WorkerSlot(() => open(true), worker);
  // Bundles in memory belong to a single worker. Rehearsals would delay the first preparation.
  const offline = durable ? new WorkerSlot(() => open(false)) : online;
  return new BrowserClient(online, offline, durable);
}

/** One server's private inference, from `connect`. All methods throw SphynxError. */
export class BrowserClient {
  readonly #online: WorkerSlot;
  readonly #offline: WorkerSlot;

  /**
   * Whether bundles outlive this page. In browsers without an origin private file system, and in private windows, they are
   * kept in memory and end with the tab.
   */
  readonly durable: boolean;

  /**
   * @param offline the worker that prepares, so that answers do not wait for preparations; the same as `online` if
   * bundles are kept in memory
   * @internal
   */
  constructor(online: WorkerSlot, offline: WorkerSlot, durable: boolean) {
    this.durable = durable;
    this.#online = online;
    this.#offline = offline;
  }

  /**
   * Returns the server's models, ordered by name. Throws 'server/unreachable', 'identity/missing' or
   * 'identity/invalid'.
   */
  async models(options?: CallOptions): Promise<ModelSummary[]> {
    return this.#online.ask('models', undefined, options?.signal);
  }

  /**
   * Returns the public description of a model: shapes, labels, preprocessing. `model` may be left out if the server has
   * one model only. Throws 'model/unknown', or 'model/format' for a card that this version cannot read.
   */
  modelCard(model?: string, options?: CallOptions): Promise<ModelCard> {
    return this.#online.ask('modelCard', { model }, options?.signal);
  }

  /**
   * Prepares `count` bundles, one for each image, and keeps them in the browser until they are spent or expire. Throws
   * 'server/busy' or 'quota/exceeded' by the server's limits, 'storage/failed' if the browser has no room left,
   * 'model/unknown', and 'server/unreachable'.
   */
  async prepare({ model, count = 1, ...options }: PrepareOptions = {}): Promise<BundleHeader[]> {
    return this.#offline.ask('prepare', { model, count }, options.signal, options.onProgress);
  }

  /**
   * Classifies one input with one ready bundle: a picture or, for vector and signal models, a typed array of their
   * numbers. Neither the input nor the result leaves the page in readable form. `onSegment` is called for all that the
   * server receives and sends. Throws 'bundle/none' if none is ready, 'bundle/spent' if it was used elsewhere,
   * 'image/unreadable' or 'input/invalid' for the input, 'quota/exceeded' or 'server/busy' by the server's limits, and
   * 'protocol/closed' for the connection.
   */
  async classify(
    input: PageImage | ValuesInput,
    { model, topK, ...options }: ClassifyOptions = {},
  ): Promise<Classification> {
    const card = await this.modelCard(model, options);
    const given = isValues(input) ? input : await this.#pixels(input, card);
    return this.#online.ask(
      'classify',
      { model, input: given, topK, watched: options.onSegment !== undefined },
      options.signal,
      options.onSegment,
    );
  }

  /**
   * Classifies several inputs, a few at once, so that their round trips overlap. Returns the outcome of each, in order.
   */
  classifyAll(
    inputs: readonly (PageImage | ValuesInput)[],
    options: ClassifyOptions = {},
  ): Promise<PromiseSettledResult<Classification>[]> {
    return several(inputs, ONLINE_THREADS, (input) => this.classify(input, options));
  }

  async #pixels(image: PageImage, { name, inputKind, input, preprocessing }: ModelCard) {
    if (inputKind !== 'picture')
      throw new SphynxError(
        'input/invalid',
        `the model ${name} takes ${inputInWords(inputKind, input)}; give them as a typed array, channel by channel`,
      );
    return pixelsOf(image, preprocessing.width, preprocessing.height);
  }

  /** Returns the ready bundles (of one model, if given), ordered by expiry. */
  async bundles({
    model,
    ...options
  }: Pick<ClassifyOptions, 'model'> & CallOptions = {}): Promise<BundleHeader[]> {
    if (model !== undefined) await this.modelCard(model, options);
    return this.#online.ask('bundles', { model }, options.signal);
  }

  /**
   * Returns the bundles that are set aside because another one of this browser was used elsewhere, as after its storage
   * was copied or restored. They are not used until `confirmBundles`.
   */
  async setAsideBundles(): Promise<BundleHeader[]> {
    return this.#online.ask('setAsideBundles', undefined);
  }

  /**
   * Makes the bundles that are set aside ready again. Call it only if they are used nowhere else. Returns their number.
   */
  async confirmBundles(): Promise<number> {
    return this.#online.ask('confirmBundles', undefined);
  }

  /** Erases all bundles for this server, including those that are set aside; returns their number. */
  async clear(): Promise<number> {
    return this.#online.ask('clear', undefined);
  }

  /** Terminates the workers and all running calls; a bundle in use is lost. */
  close(): void {
    this.#online.close();
    this.#offline.close();
  }
}
