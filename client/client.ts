import { asSphynxError, SphynxError } from '../errors/sphynx-error.ts';
import type { ModelCard } from '../model/card.ts';
import type { ModelSummary } from '../transport/messages.ts';
import { checkAborted } from './abort.ts';
import type { BundleHeader } from './bundle-header.ts';
import type { BundleStore } from './bundle-store.ts';
import { type Classification, classifyImage } from './classify.ts';
import type { Connection } from './connection.ts';
import type { ImageInput } from './image.ts';
import { type KnownModel, KnownModels } from './known-models.ts';
import { OFFLINE_THREADS, ONLINE_THREADS } from './limits.ts';
import { type PrepareProgress, prepareBundles } from './prepare.ts';
import { RoleThreads } from './role-threads.ts';

export interface PrepareOptions {
  /** May be left out if the server has one model only. */
  readonly model?: string;
  /** Bundles to prepare: one for each image. Default 1. */
  readonly count?: number;
  /** Called often; must be quick. */
  readonly onProgress?: (progress: PrepareProgress) => void;
  readonly signal?: AbortSignal;
}

export interface ClassifyOptions {
  /** May be left out if the server has one model only. */
  readonly model?: string;
  /** Classes in `top`. Default 5. */
  readonly topK?: number;
  /** Prepares a bundle if none is ready, instead of throwing 'bundle/none'. Default false. */
  readonly prepare?: boolean;
  readonly onProgress?: (progress: PrepareProgress) => void;
  readonly signal?: AbortSignal;
}

/**
 * One server's private inference, from `connect`. All methods throw SphynxError, and 'aborted' when their signal
 * fires: then nothing runs on, a bundle in preparation is removed and a bundle in use is used up.
 */
export class Client {
  readonly address: string;
  readonly #connection: Connection;
  readonly #store: BundleStore;
  readonly #models: KnownModels;
  readonly #offline = new RoleThreads(OFFLINE_THREADS);
  readonly #online = new RoleThreads(ONLINE_THREADS);

  constructor(connection: Connection, store: BundleStore) {
    this.address = connection.address;
    this.#connection = connection;
    this.#store = store;
    this.#models = new KnownModels(connection);
  }

  /** The server's models, by name. */
  models({ signal }: { signal?: AbortSignal } = {}): Promise<ModelSummary[]> {
    return this.#connection.listModels(signal);
  }

  /** The public description of a model: shapes, labels, preprocessing. */
  async modelCard(name?: string, { signal }: { signal?: AbortSignal } = {}): Promise<ModelCard> {
    return (await this.#models.get(name, signal)).card;
  }

  /**
   * The offline phase, which needs no image: prepares `count` bundles and keeps them on disk until they are
   * spent or expire. Returns the new bundles. If it breaks off, the ones that were ready stay.
   */
  async prepare({
    model: name,
    count = 1,
    onProgress,
    signal,
  }: PrepareOptions = {}): Promise<BundleHeader[]> {
    checkCount('count', count);
    checkAborted(signal);
    const model = await this.#models.get(name, signal);
    return this.#withModel(model, () => this.#prepare(model, count, { onProgress, signal }));
  }

  /**
   * The online phase: classifies one image (a path, the bytes of a PNG, JPEG or WebP file, or pixels) with one
   * ready bundle. The server learns nothing about the image or the result. A connection that breaks before the
   * server accepts the bundle is tried again with another bundle; no bundle is ever used twice.
   */
  async classify(image: ImageInput, options: ClassifyOptions = {}): Promise<Classification> {
    const { model: name, topK = 5, prepare = false, onProgress, signal } = options;
    checkCount('topK', topK);
    checkAborted(signal);
    const model = await this.#models.get(name, signal);
    const onNoBundle = async () => {
      if (!prepare) throw noBundle(model);
      await this.#prepare(model, 1, { onProgress, signal });
    };
    const parts = { connection: this.#connection, store: this.#store, threads: this.#online };
    return this.#withModel(model, () => classifyImage(parts, { model, image, topK, onNoBundle, signal }));
  }

  /** The ready bundles for this server (for one model, if given), the one that expires first at the front. */
  async bundles({ model, signal }: { model?: string; signal?: AbortSignal } = {}): Promise<BundleHeader[]> {
    if (model === undefined) return this.#store.list();
    return this.#store.list((await this.#models.get(model, signal)).card.hash);
  }

  /** Deletes bundles that have expired or are damaged; returns their number. */
  dropExpired(): Promise<number> {
    return this.#store.dropExpired();
  }

  /** Ends the connection and all threads. Calls that are running fail. */
  async close(): Promise<void> {
    this.#connection.close();
    await Promise.all([this.#offline.close(), this.#online.close()]);
  }

  #prepare(model: KnownModel, count: number, options: Pick<PrepareOptions, 'onProgress' | 'signal'>) {
    const parts = { connection: this.#connection, store: this.#store, threads: this.#offline };
    return prepareBundles(parts, { model, count, ...options });
  }

  /** Any error becomes a SphynxError; a card that turns out to be outdated is fetched anew by the next call. */
  async #withModel<Result>({ card }: KnownModel, work: () => Promise<Result>): Promise<Result> {
    try {
      return await work();
    } catch (error) {
      const failure = asSphynxError(error);
      if (failure.code === 'model/mismatch') this.#models.forget(card.name);
      throw failure;
    }
  }
}

function noBundle({ card }: KnownModel): SphynxError {
  return new SphynxError(
    'bundle/none',
    `no bundle is ready for the model ${card.name}: prepare one (\`sphynx prepare\`, client.prepare()), or let classify prepare it`,
  );
}

function checkCount(name: string, value: number): void {
  if (!Number.isInteger(value) || value < 1)
    throw new SphynxError('config/invalid', `${name} must be a whole number from 1 on, got ${value}`);
}
