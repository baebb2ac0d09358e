/** The client in a web page: `import { connect } from 'sphynx-pi/browser'`. It runs in a worker of its own. */
import type { BundleHeader } from '../client/bundle-header.ts';
import type { Classification } from '../client/classify.ts';
import type { PrepareProgress } from '../client/prepare.ts';
import { SphynxError, type SphynxErrorCode } from '../errors/sphynx-error.ts';
import type { ModelCard } from '../model/card.ts';
import type { ModelSummary } from '../transport/messages.ts';
import type { FromWorker, RequestName, Requests, ToWorker } from './messages.ts';
import { type PageImage, pixelsOf } from './pixels.ts';

export { SphynxError, type SphynxErrorCode } from '../errors/sphynx-error.ts';

interface Waiting {
  readonly resolve: (result: never) => void;
  readonly reject: (error: SphynxError) => void;
  readonly onProgress?: (progress: PrepareProgress) => void;
}

interface CallOptions {
  readonly signal?: AbortSignal;
  readonly onProgress?: (progress: PrepareProgress) => void;
}

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
  const { token, worker = new URL('./worker.js', import.meta.url), signal } = options;
  const client = new BrowserClient(worker);
  try {
    await client.ask('connect', { address, token }, { signal });
    return client;
  } catch (error) {
    client.close();
    throw error;
  }
}

/** One server's private inference, from `connect`. All methods throw SphynxError. */
export class BrowserClient {
  readonly #worker: Worker;
  readonly #waiting = new Map<number, Waiting>();
  #next = 0;

  constructor(worker: URL | string) {
    this.#worker = new Worker(worker, { type: 'module' });
    this.#worker.onmessage = ({ data }: MessageEvent<FromWorker>) => this.#hear(data);
    this.#worker.onerror = ({ message }) =>
      this.#failAll(new SphynxError('internal', `the worker failed: ${message}`));
  }

  /** The server's models, by name. */
  models(options?: CallOptions): Promise<ModelSummary[]> {
    return this.ask('models', undefined, options);
  }

  /** The public description of a model: shapes, labels, preprocessing. */
  modelCard(model?: string, options?: CallOptions): Promise<ModelCard> {
    return this.ask('modelCard', { model }, options);
  }

  /** Prepares `count` bundles, one for each image, and keeps them in the browser until they are spent or expire. */
  prepare({
    model,
    count = 1,
    ...options
  }: { model?: string; count?: number } & CallOptions = {}): Promise<BundleHeader[]> {
    return this.ask('prepare', { model, count }, options);
  }

  /** Classifies one image with one ready bundle. Neither the image nor the result leaves the page readable. */
  async classify(
    image: PageImage,
    { model, topK, ...options }: { model?: string; topK?: number } & CallOptions = {},
  ): Promise<Classification> {
    const { preprocessing } = await this.modelCard(model, options);
    const pixels = await pixelsOf(image, preprocessing.width, preprocessing.height);
    return this.ask('classify', { model, image: pixels, topK }, options);
  }

  /** The bundles that are ready, the one that expires first at the front. */
  bundles({ model, ...options }: { model?: string } & CallOptions = {}): Promise<BundleHeader[]> {
    return this.ask('bundles', { model }, options);
  }

  /** Erases all bundles for this server; returns their number. */
  clear(): Promise<number> {
    return this.ask('clear', undefined);
  }

  /** Ends the worker, and with it what is running: a bundle in use is used up. */
  close(): void {
    this.#worker.terminate();
    this.#failAll(new SphynxError('aborted', 'the client was closed'));
  }

  /** For `connect` and the methods above. */
  ask<Name extends RequestName>(
    name: Name,
    given: Requests[Name]['with'],
    { signal, onProgress }: CallOptions = {},
  ): Promise<Requests[Name]['gives']> {
    const id = this.#next++;
    const abort = () => this.#say({ type: 'abort', id });
    return new Promise<Requests[Name]['gives']>((resolve, reject) => {
      this.#waiting.set(id, { resolve, reject, onProgress });
      this.#say({ type: 'request', id, name, with: given });
      signal?.addEventListener('abort', abort);
      if (signal?.aborted) abort();
    }).finally(() => signal?.removeEventListener('abort', abort));
  }

  #say(message: ToWorker): void {
    this.#worker.postMessage(message);
  }

  #hear(message: FromWorker): void {
    const waiting = this.#waiting.get(message.id);
    if (message.type === 'progress') {
      waiting?.onProgress?.(message.progress);
      return;
    }
    this.#waiting.delete(message.id);
    if (message.type === 'result') waiting?.resolve(message.result as never);
    else
      waiting?.reject(
        new SphynxError(message.code as SphynxErrorCode, message.message, {
          retryAfterMs: message.retryAfterMs,
        }),
      );
  }

  #failAll(error: SphynxError): void {
    for (const { reject } of this.#waiting.values()) reject(error);
    this.#waiting.clear();
  }
}
