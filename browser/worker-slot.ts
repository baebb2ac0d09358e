import { onAbort } from '../client/abort.ts';
import { SphynxError } from '../errors/sphynx-error.ts';
import type { EventOf, ResultOf } from '../platform/calls.ts';
import type { ClientWorker } from './client-worker.ts';
import type { WorkerCalls } from './worker-calls.ts';

/** One of the client's workers, which is started when needed, and again after it failed or had to be terminated. */
export class WorkerSlot {
  readonly #open: () => Promise<ClientWorker>;
  #worker: Promise<ClientWorker> | undefined;
  #closed = false;

  constructor(open: () => Promise<ClientWorker>, worker?: ClientWorker) {
    this.#open = open;
    if (worker) this.#hold(Promise.resolve(worker));
  }

  /** Runs the call `name` in the worker. Throws what the client throws, and why the worker is gone. */
  async ask<Name extends keyof WorkerCalls>(
    name: Name,
    given: WorkerCalls[Name]['given'],
    signal?: AbortSignal,
    onEvent?: (event: EventOf<WorkerCalls[Name]>) => void,
  ): Promise<ResultOf<WorkerCalls[Name]>> {
    if (this.#closed) throw new SphynxError('aborted', 'the client was closed');
    const opening = this.#worker ?? this.#hold(this.#open());
    const stop = Promise.withResolvers<never>();
    const release = onAbort(signal, stop.reject);
    const worker = await Promise.race([opening, stop.promise]).finally(release);
    return worker.ask(name, given, signal, onEvent);
  }

  close(): void {
    this.#closed = true;
    this.#worker?.then(
      (worker) => worker.close(),
      () => {},
    );
  }

  /** Keeps a worker until it is gone. */
  #hold(opening: Promise<ClientWorker>): Promise<ClientWorker> {
    const drop = () => {
      this.#worker = undefined;
    };
    opening.then(({ gone }) => gone.then(drop), drop);
    this.#worker = opening;
    return opening;
  }
}
