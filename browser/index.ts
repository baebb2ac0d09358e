/** The client in a web page: `import { connect } from 'sphynx-pi/browser'`. It runs in workers of its own. */
import type { BundleHeader } from '../client/bundle-header.ts';
import type { Classification } from '../client/classify.ts';
import type { ModelCard } from '../model/card.ts';
import type { ModelSummary } from '../transport/messages.ts';
import { type CallOptions, ClientWorker } from './client-worker.ts';
import { type PageImage, pixelsOf } from './pixels.ts';

export type { BundleHeader } from '../client/bundle-header.ts';
export type { Classification } from '../client/classify.ts';
export type { PassedSegment } from '../client/observed-channel.ts';
export type { PrepareProgress } from '../client/prepare.ts';
export type { Score } from '../client/scores.ts';
export { SphynxError, type SphynxErrorCode } from '../errors/sphynx-error.ts';
export type { ModelCard } from '../model/card.ts';
export type { ModelSummary } from '../transport/messages.ts';
export { type PageImage, pixelsOf } from './pixels.ts';

/**
 * Connects to the server at `address` (`wss://HOST:PORT`) and asks it for its models.
 *
 * @param options.token bearer token that proves who calls
 * @param options.worker where `worker.js` is, if not beside this module
 * @throws SphynxError 'server/unreachable', 'identity/missing', 'identity/invalid', 'storage/failed' or 'config/invalid'
 */
export async function connect(
  address: string,
  options: { token?: string; worker?: URL | string; signal?: AbortSignal } = {},
): Promise<BrowserClient> {
  const { token, worker = new URL('./worker.js', import.meta.url) } = options;
  const open = async (signal?: AbortSignal) => {
    const client = new ClientWorker(worker);
    try {
      await client.ask('connect', { address, token }, { signal });
      return client;
    } catch (error) {
      client.close();
      throw error;
    }
  };
  return new BrowserClient(await open(options.signal), open);
}

/** One server's private inference, from `connect`. All methods throw SphynxError. */
export class BrowserClient {
  readonly #online: ClientWorker;
  readonly #open: () => Promise<ClientWorker>;
  #offline: Promise<ClientWorker> | undefined;

  /** @param open starts another worker, for preparations: an answer does not wait for their arithmetic */
  constructor(online: ClientWorker, open: () => Promise<ClientWorker>) {
    this.#online = online;
    this.#open = open;
  }

  /** The server's models, by name. */
  models(options?: CallOptions): Promise<ModelSummary[]> {
    return this.#online.ask('models', undefined, options);
  }

  /** The public description of a model: shapes, labels, preprocessing. */
  modelCard(model?: string, options?: CallOptions): Promise<ModelCard> {
    return this.#online.ask('modelCard', { model }, options);
  }

  /** Prepares `count` bundles, one for each image, and keeps them in the browser until they are spent or expire. */
  async prepare({
    model,
    count = 1,
    ...options
  }: { model?: string; count?: number } & CallOptions = {}): Promise<BundleHeader[]> {
    this.#offline ??= this.#open();
    const offline = await this.#offline.catch((error: unknown) => {
      this.#offline = undefined;
      throw error;
    });
    return offline.ask('prepare', { model, count }, options);
  }

  /**
   * Classifies one image with one ready bundle. Neither the image nor the result leaves the page readable. `onSegment`
   * is told what the server sees and says.
   */
  async classify(
    image: PageImage,
    { model, topK, ...options }: { model?: string; topK?: number } & CallOptions = {},
  ): Promise<Classification> {
    const { preprocessing } = await this.modelCard(model, options);
    const pixels = await pixelsOf(image, preprocessing.width, preprocessing.height);
    return this.#online.ask(
      'classify',
      { model, image: pixels, topK, watched: options.onSegment !== undefined },
      options,
    );
  }

  /** The bundles that are ready, the one that expires first at the front. */
  bundles({ model, ...options }: { model?: string } & CallOptions = {}): Promise<BundleHeader[]> {
    return this.#online.ask('bundles', { model }, options);
  }

  /** Erases all bundles for this server; returns their number. */
  clear(): Promise<number> {
    return this.#online.ask('clear', undefined);
  }

  /** Ends the workers, and with them what is running: a bundle in use is used up. */
  close(): void {
    this.#online.close();
    this.#offline?.then(
      (worker) => worker.close(),
      () => {},
    );
  }
}
