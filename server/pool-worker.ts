import { MessageChannel } from 'node:worker_threads';
import { SphynxError } from '../errors/sphynx-error.ts';
import type { FixedNetwork } from '../model/network.ts';
import type { ResultOf } from '../platform/calls.ts';
import { Thread, threadFile } from '../platform/node/thread.ts';
import { PortChannel } from '../transport/port-channel.ts';
import type { RoleCall, WorkerCalls, WorkerInput } from './worker-calls.ts';

/** Receives an internal fault of a call for the log; the peer learns only that there was one. */
export type OnFault = (call: keyof WorkerCalls, detail: unknown) => void;

/** A role that a worker plays: the near end of its channel, and its result, which need not be awaited. */
export interface PlayedRole<Name extends RoleCall> {
  readonly channel: PortChannel;
  readonly result: Promise<ResultOf<WorkerCalls[Name]>>;
}

/** One worker thread of the pool, seen from the main thread. */
export class PoolWorker {
  readonly #thread: Thread<WorkerCalls>;
  readonly #onFault: OnFault;
  /** Resolves when the worker can take jobs; rejects if it cannot. */
  readonly ready: Promise<void>;
  /** Streams that use this worker now. */
  load = 0;

  constructor(input: WorkerInput, networks: readonly FixedNetwork[], onFault: OnFault) {
    this.#thread = new Thread(threadFile(import.meta.url, './worker'), { workerData: input });
    this.#onFault = onFault;
    this.ready = this.#thread.call('serve', networks);
    this.#report('serve', this.ready);
  }

  get alive(): boolean {
    return this.#thread.alive;
  }

  /** Resolves when the thread has ended, with the error that ended it, if any. */
  get gone(): Promise<unknown> {
    return this.#thread.gone;
  }

  /** Busy time of the thread since its start (ms). */
  get busyMs(): number {
    return this.#thread.activeMs;
  }

  /** Starts a role. Its channel fails with 'internal' if the thread dies. */
  start<Name extends RoleCall>(name: Name, job: Omit<WorkerCalls[Name]['given'], 'port'>): PlayedRole<Name> {
    if (!this.alive) throw new SphynxError('internal', 'the worker thread of this call died');
    const { port1, port2 } = new MessageChannel();
    const given = { ...job, port: port2 } as WorkerCalls[Name]['given'];
    const result = this.#thread.call(name, given, { ports: [port2] });
    this.#report(name, result);
    return { channel: new PortChannel(port1), result };
  }

  /** Sets the models for subsequent jobs. */
  serve(networks: readonly FixedNetwork[]): void {
    this.#report('serve', this.#thread.call('serve', networks));
  }

  closeSession(session: string): void {
    this.#report('close', this.#thread.call('close', session));
  }

  /**
   * Reports an internal fault. The death of a thread is reported once, by `gone`, and a peer's fault by its channel.
   */
  #report(name: keyof WorkerCalls, result: Promise<unknown>): void {
    result.catch((error: SphynxError) => {
      if (error.code === 'internal' && this.alive) this.#onFault(name, error.cause);
    });
  }

  /** Terminates the thread at once; its channels fail. */
  stop(): Promise<void> {
    return this.#thread.stop();
  }
}
