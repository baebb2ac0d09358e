import type { SegmentListener } from '../client/observed-channel.ts';
import type { PrepareProgress } from '../client/prepare.ts';
import { SphynxError } from '../errors/sphynx-error.ts';
import { Caller, type EventOf, type FromWorker, type ResultOf } from '../platform/calls.ts';
import type { WorkerCalls } from './worker-calls.ts';

/** How often the token is requested again while calls run (ms), because tokens may be valid for minutes only. */
const RENEW_MS = 30_000;

/** Options of every call of a client in a page. */
export interface CallOptions {
  /** Stops the call; a bundle in use is lost. */
  readonly signal?: AbortSignal;
  /** Called often during a preparation; must return quickly. */
  readonly onProgress?: (progress: PrepareProgress) => void;
  /** Called for all that the server receives and sends in an inference. */
  readonly onSegment?: SegmentListener;
}

/** A worker that runs the client, seen from the page. */
export class ClientWorker {
  readonly #worker: Worker;
  readonly #caller: Caller<WorkerCalls>;
  readonly #token: (() => string) | undefined;
  #running = 0;
  #renewing: ReturnType<typeof setInterval> | undefined;

  /** @param token returns the current bearer token; called for each call, and while calls run */
  constructor(worker: Worker, token?: () => string) {
    this.#worker = worker;
    this.#token = token;
    this.#caller = new Caller((message) => worker.postMessage(message));
    worker.onmessage = ({ data }: MessageEvent<FromWorker>) => this.#caller.hear(data);
    worker.onerror = ({ message }) =>
      this.#caller.fail(
        message === undefined
          ? new SphynxError(
              'config/invalid',
              "the client's worker.js cannot be loaded: let a bundler put it beside the page's script, name it with the option worker, or import 'sphynx-pi/browser/inline'",
            )
          : new SphynxError('internal', `the worker failed: ${message}`),
      );
  }

  /** Runs the call `name` in the worker. Throws what the client throws. */
  async ask<Name extends keyof WorkerCalls>(
    name: Name,
    given: WorkerCalls[Name]['given'],
    signal?: AbortSignal,
    onEvent?: (event: EventOf<WorkerCalls[Name]>) => void,
  ): Promise<ResultOf<WorkerCalls[Name]>> {
    this.#running++;
    try {
      this.#renew();
      return await this.#caller.call(name, given, { signal, onEvent });
    } finally {
      if (--this.#running === 0) this.#rest();
    }
  }

  /** Terminates the worker at once; running calls fail with `reason`. */
  close(reason = new SphynxError('aborted', 'the client was closed')): void {
    this.#worker.terminate();
    this.#rest();
    this.#caller.fail(reason);
  }

  /** Sends the current token to the worker, and again every RENEW_MS while calls run. */
  #renew(): void {
    if (!this.#token) return;
    this.#caller.call('token', this.#token()).catch(() => {});
    this.#renewing ??= setInterval(() => this.#renew(), RENEW_MS);
  }

  #rest(): void {
    clearInterval(this.#renewing);
    this.#renewing = undefined;
  }
}
