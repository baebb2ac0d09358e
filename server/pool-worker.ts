import { MessageChannel, Worker } from 'node:worker_threads';
import { SphynxError } from '../errors/sphynx-error.ts';
import type { FixedNetwork } from '../model/network.ts';
import { PortChannel } from '../transport/port-channel.ts';
import type { WorkerInput, WorkerJob, WorkerReport } from './worker-messages.ts';

// Run from source or compiled, a worker is what this file is.
const ENTRY = new URL(import.meta.url.endsWith('.ts') ? './worker.ts' : './worker.js', import.meta.url);

/** A job without its port, which `PoolWorker.start` makes. */
type JobWithoutPort<Job = WorkerJob> = Job extends { port: unknown } ? Omit<Job, 'port'> : never;

/** One worker thread, seen from the main thread. */
export class PoolWorker {
  readonly #thread: Worker;
  #alive = true;
  /** Who waits for a session to open, by the session's name. */
  readonly #opened = new Map<string, (delta: Uint8Array) => void>();
  /** When somebody asked last. */
  #busyMs = 0;
  /** Resolves when the worker can take jobs; rejects if it dies before. */
  readonly ready: Promise<void>;
  /** Resolves, with what killed it if anything did, when the thread is gone. */
  readonly gone: Promise<unknown>;
  /** Streams that use this worker now. */
  load = 0;

  constructor(
    input: WorkerInput,
    onReport: (report: Exclude<WorkerReport, { type: 'ready' | 'opened' }>) => void,
  ) {
    this.#thread = new Worker(ENTRY, { workerData: input });
    const ready = Promise.withResolvers<void>();
    const gone = Promise.withResolvers<unknown>();
    this.ready = ready.promise;
    this.gone = gone.promise;
    let cause: unknown;
    this.#thread.on('error', (error) => {
      cause = error;
    });
    this.#thread.on('exit', () => {
      this.#alive = false;
      ready.reject(new SphynxError('internal', 'a worker thread could not start', { cause }));
      gone.resolve(cause);
    });
    this.#thread.on('message', (report: WorkerReport) => {
      if (report.type === 'ready') ready.resolve();
      else if (report.type === 'opened') this.#opened.get(report.session)?.(report.delta);
      else onReport(report);
    });
    // Whoever needs the worker awaits `ready`; a crash later must not count as unhandled.
    ready.promise.catch(() => {});
  }

  get alive(): boolean {
    return this.#alive;
  }

  /** How long the thread has been at work since its start (ms). */
  get busyMs(): number {
    if (this.#alive) this.#busyMs = this.#thread.performance.eventLoopUtilization().active;
    return this.#busyMs;
  }

  /** Starts a role and returns the near end of its channel, which fails with 'internal' if the thread dies. */
  start(job: JobWithoutPort): PortChannel {
    if (!this.#alive) throw new SphynxError('internal', 'the worker thread of this call died');
    const { port1, port2 } = new MessageChannel();
    this.#thread.postMessage({ ...job, port: port2 }, [port2]);
    return new PortChannel(port1);
  }

  /** The models of the jobs from now on. */
  serve(networks: readonly FixedNetwork[]): void {
    this.#thread.postMessage({ type: 'models', networks } satisfies WorkerJob);
  }

  /** Resolves with Delta when the session is open; never if it does not open. To be asked for before it is opened. */
  deltaOf(session: string): Promise<Uint8Array> {
    const { promise, resolve } = Promise.withResolvers<Uint8Array>();
    this.#opened.set(session, resolve);
    return promise;
  }

  closeSession(session: string): void {
    this.#opened.delete(session);
    this.#thread.postMessage({ type: 'close', session } satisfies WorkerJob);
  }

  /** Ends the thread wherever it is; its channels fail. */
  async stop(): Promise<void> {
    await this.#thread.terminate();
  }
}
