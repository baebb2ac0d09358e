import type { SegmentListener } from '../client/observed-channel.ts';
import type { PrepareProgress } from '../client/prepare.ts';
import { SphynxError, type SphynxErrorCode } from '../errors/sphynx-error.ts';
import type { FromWorker, RequestName, Requests, ToWorker } from './messages.ts';

/** How often a token is asked for anew while requests run (ms): tokens live for minutes. */
const RENEW_MS = 30_000;

interface Listeners {
  /** Called often in a preparation; must be quick. */
  readonly onProgress?: (progress: PrepareProgress) => void;
  /** Told what the server sees and says in an inference. */
  readonly onSegment?: SegmentListener;
}

interface Waiting extends Listeners {
  readonly resolve: (result: never) => void;
  readonly reject: (error: SphynxError) => void;
}

/** What every call of a client in a page takes. */
export interface CallOptions extends Listeners {
  /** Stops the call; a bundle in use is used up. */
  readonly signal?: AbortSignal;
}

/** A worker that runs the client, seen from the page: requests as promises. */
export class ClientWorker {
  readonly #worker: Worker;
  readonly #waiting = new Map<number, Waiting>();
  #next = 0;
  readonly #token: (() => string) | undefined;
  #renewing: ReturnType<typeof setInterval> | undefined;

  /** @param token gives the bearer token that is valid now; asked at each request, and while requests run */
  constructor(worker: Worker, token?: () => string) {
    this.#worker = worker;
    this.#token = token;
    this.#worker.onmessage = ({ data }: MessageEvent<FromWorker>) => this.#hear(data);
    this.#worker.onerror = ({ message }) =>
      this.#failAll(
        message === undefined
          ? new SphynxError(
              'config/invalid',
              "the client's worker.js cannot be loaded: let a bundler put it beside the page's script, name it with the option worker, or import 'sphynx-pi/browser/inline'",
            )
          : new SphynxError('internal', `the worker failed: ${message}`),
      );
  }

  /** Asks for `name`. Throws what the client throws. */
  ask<Name extends RequestName>(
    name: Name,
    given: Requests[Name]['with'],
    { signal, ...listeners }: CallOptions = {},
  ): Promise<Requests[Name]['gives']> {
    const id = this.#next++;
    const abort = () => this.#say({ type: 'abort', id });
    return new Promise<Requests[Name]['gives']>((resolve, reject) => {
      this.#renew();
      this.#waiting.set(id, { resolve, reject, ...listeners });
      this.#say({ type: 'request', id, name, with: given });
      signal?.addEventListener('abort', abort);
      if (signal?.aborted) abort();
    }).finally(() => {
      signal?.removeEventListener('abort', abort);
      if (this.#waiting.size === 0) this.#rest();
    });
  }

  /** Ends the worker wherever it is; what is running fails with `reason`. */
  close(reason = new SphynxError('aborted', 'the client was closed')): void {
    this.#worker.terminate();
    this.#rest();
    this.#failAll(reason);
  }

  /** Tells the worker the token that is valid now, and again every RENEW_MS while requests run. */
  #renew(): void {
    if (!this.#token) return;
    this.#say({ type: 'token', token: this.#token() });
    this.#renewing ??= setInterval(() => this.#renew(), RENEW_MS);
  }

  #rest(): void {
    clearInterval(this.#renewing);
    this.#renewing = undefined;
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
    if (message.type === 'segment') {
      waiting?.onSegment?.(message.segment);
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
