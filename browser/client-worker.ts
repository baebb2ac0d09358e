import type { SegmentListener } from '../client/observed-channel.ts';
import type { PrepareProgress } from '../client/prepare.ts';
import { SphynxError, type SphynxErrorCode } from '../errors/sphynx-error.ts';
import type { FromWorker, RequestName, Requests, ToWorker } from './messages.ts';

interface Listeners {
  readonly onProgress?: (progress: PrepareProgress) => void;
  readonly onSegment?: SegmentListener;
}

interface Waiting extends Listeners {
  readonly resolve: (result: never) => void;
  readonly reject: (error: SphynxError) => void;
}

export interface CallOptions extends Listeners {
  readonly signal?: AbortSignal;
}

/** A worker that runs the client, seen from the page: requests as promises. */
export class ClientWorker {
  readonly #worker: Worker;
  readonly #waiting = new Map<number, Waiting>();
  #next = 0;

  /** @param script `worker.js` */
  constructor(script: URL | string) {
    this.#worker = new Worker(script, { type: 'module' });
    this.#worker.onmessage = ({ data }: MessageEvent<FromWorker>) => this.#hear(data);
    this.#worker.onerror = ({ message }) =>
      this.#failAll(new SphynxError('internal', `the worker failed: ${message}`));
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
      this.#waiting.set(id, { resolve, reject, ...listeners });
      this.#say({ type: 'request', id, name, with: given });
      signal?.addEventListener('abort', abort);
      if (signal?.aborted) abort();
    }).finally(() => signal?.removeEventListener('abort', abort));
  }

  /** Ends the worker wherever it is; what is running fails with `reason`. */
  close(reason = new SphynxError('aborted', 'the client was closed')): void {
    this.#worker.terminate();
    this.#failAll(reason);
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
