import { onAbort } from '../client/abort.ts';
import type { Deadlines } from '../client/limits.ts';
import type { SegmentListener } from '../client/observed-channel.ts';
import type { PrepareProgress } from '../client/prepare.ts';
import { SphynxError } from '../errors/sphynx-error.ts';
import { Caller, type EventOf, type FromWorker, type ResultOf } from '../platform/calls.ts';
import { Watchdog } from './watchdog.ts';
import type { WorkerCalls } from './worker-calls.ts';

/** How often the token is requested again while calls run (ms), because tokens may be valid for minutes only. */
const RENEW_MS = 30_000;

/** How long a worker may take to answer a call after its signal has fired (ms). */
const ABORT_MS = 2000;

/**
 * How long a worker may compute without a pause (ms), besides the time for a model's plan: a step of a large network on
 * a slow phone takes seconds.
 */
const STEP_MS = 5000;

/** Options of every call of a client in a page. */
export interface CallOptions {
  /** Stops the call; a bundle in use is lost. */
  readonly signal?: AbortSignal;
  /** Called often during a preparation; must return quickly. */
  readonly onProgress?: (progress: PrepareProgress) => void;
  /** Called for all that the server receives and sends in an inference. */
  readonly onSegment?: SegmentListener;
}

/** A worker that runs the client, seen from the page. Once it has failed it is terminated. */
export class ClientWorker {
  readonly #worker: Worker;
  readonly #caller: Caller<WorkerCalls>;
  readonly #token: (() => string) | undefined;
  readonly #connectMs: number;
  readonly #watchdog: Watchdog;
  readonly #gone = Promise.withResolvers<void>();
  #running = 0;
  #renewing: ReturnType<typeof setInterval> | undefined;

  /** @param token returns the current bearer token; called for each call, and while calls run */
  constructor(
    worker: Worker,
    { connectMs, planMs }: Pick<Deadlines, 'connectMs' | 'planMs'>,
    token?: () => string,
  ) {
    this.#worker = worker;
    this.#token = token;
    // One deadline for loading the worker and its storage, one for the list of models.
    this.#connectMs = 2 * connectMs;
    this.#caller = new Caller((message) => worker.postMessage(message));
    this.#watchdog = new Watchdog({
      busy: () => this.#running > 0,
      ping: () => this.#caller.call('ping', undefined),
      onSilence: () => this.close(tooComplex()),
      patienceMs: planMs + STEP_MS,
    });
    worker.onmessage = ({ data }: MessageEvent<FromWorker>) => this.#caller.hear(data);
    worker.onerror = ({ message }) =>
      this.close(
        message === undefined
          ? new SphynxError(
              'config/invalid',
              "the client's worker.js cannot be loaded: let a bundler put it beside the page's script, name it with the option worker, or import 'sphynx-pi/browser/inline'",
            )
          : new SphynxError('internal', `the worker failed: ${message}`),
      );
    worker.onmessageerror = () =>
      this.close(new SphynxError('internal', 'the page cannot read what the worker says'));
  }

  /** Resolves when the worker has been terminated. */
  get gone(): Promise<void> {
    return this.#gone.promise;
  }

  /** Connects the client in the worker; the first call. Throws 'protocol/deadline' if the worker does not load. */
  async connect(
    given: WorkerCalls['connect']['given'],
    signal?: AbortSignal,
  ): Promise<WorkerCalls['connect']['result']> {
    const timer = setTimeout(
      () =>
        this.close(
          new SphynxError(
            'protocol/deadline',
            `the client's worker did not load and connect within ${this.#connectMs} ms; check the connection, and try again`,
          ),
        ),
      this.#connectMs,
    );
    return this.#run('connect', given, signal).finally(() => clearTimeout(timer));
  }

  /**
   * Runs the call `name` in the worker. Throws what the client throws. A hostile model can make the worker compute for
   * hours; it is then terminated, and its calls fail with 'model/unsupported'.
   */
  ask<Name extends keyof WorkerCalls>(
    name: Name,
    given: WorkerCalls[Name]['given'],
    signal?: AbortSignal,
    onEvent?: (event: EventOf<WorkerCalls[Name]>) => void,
  ): Promise<ResultOf<WorkerCalls[Name]>> {
    this.#watchdog.watch();
    return this.#run(name, given, signal, onEvent);
  }

  /** Terminates the worker at once; running calls fail with `reason`. */
  close(reason = new SphynxError('aborted', 'the client was closed')): void {
    this.#worker.terminate();
    this.#watchdog.stop();
    this.#rest();
    this.#gone.resolve();
    this.#caller.fail(reason);
  }

  async #run<Name extends keyof WorkerCalls>(
    name: Name,
    given: WorkerCalls[Name]['given'],
    signal?: AbortSignal,
    onEvent?: (event: EventOf<WorkerCalls[Name]>) => void,
  ): Promise<ResultOf<WorkerCalls[Name]>> {
    this.#running++;
    const aborted = Promise.withResolvers<never>();
    let timer: ReturnType<typeof setTimeout> | undefined;
    const release = onAbort(signal, (error) => {
      timer = setTimeout(() => aborted.reject(error), ABORT_MS);
    });
    try {
      this.#renew();
      return await Promise.race([this.#caller.call(name, given, { signal, onEvent }), aborted.promise]);
    } finally {
      clearTimeout(timer);
      release();
      if (--this.#running === 0) this.#rest();
    }
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

function tooComplex(): SphynxError {
  return new SphynxError(
    'model/unsupported',
    "the server's model is too complex: its plan takes more time than this page gives it",
  );
}
