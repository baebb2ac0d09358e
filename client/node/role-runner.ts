import { MessageChannel, Worker } from 'node:worker_threads';
import { SphynxError, type SphynxErrorCode } from '../../errors/sphynx-error.ts';
import type { Channel } from '../../protocol/channel.ts';
import type { Agreement } from '../../protocol/plan.ts';
import { PortChannel } from '../../transport/port-channel.ts';
import { relay } from '../../transport/relay.ts';
import { THREAD_HEAP_MB } from '../limits.ts';
import type { Job, JobResults, Report, WarmUp } from '../thread-messages.ts';

// Run from source or compiled, a worker is what this file is.
const ENTRY = new URL(import.meta.url.endsWith('.ts') ? './worker.ts' : './worker.js', import.meta.url);

/** Where the segments of a role go, and what stops it. */
export interface Network {
  readonly channel: Channel;
  /** Aborted with a SphynxError when the conversation breaks off. */
  readonly signal: AbortSignal;
}

type Offered<Type extends Job['type']> = Omit<Extract<Job, { type: Type }>, 'port' | 'type'>;

/** One worker thread, seen from the main thread. It does one job at a time; whoever uses it, has it alone. */
export class RoleThread {
  readonly #worker = new Worker(ENTRY, { resourceLimits: { maxOldGenerationSizeMb: THREAD_HEAP_MB } });
  readonly #exit: Promise<void>;
  #alive = true;
  #cause: unknown;

  constructor() {
    this.#exit = new Promise((resolve) => {
      this.#worker.on('error', (error) => {
        this.#cause = error;
      });
      this.#worker.on('exit', () => {
        this.#alive = false;
        resolve();
      });
    });
  }

  get alive(): boolean {
    return this.#alive;
  }

  /** Whether the thread keeps the process running. */
  hold(busy: boolean): void {
    if (busy) this.#worker.ref();
    else this.#worker.unref();
  }

  /** Runs a job that talks to nobody. */
  async call<Type extends 'load' | 'close'>(type: Type, job: Offered<Type>): Promise<JobResults[Type]> {
    const report = this.#report();
    this.#worker.postMessage({ type, ...job });
    return (await report) as JobResults[Type];
  }

  /** Runs a role and moves its segments. Throws its failure or the network's, whichever comes first. */
  async play<Type extends 'open' | 'prepare' | 'infer'>(
    type: Type,
    job: Offered<Type>,
    network: Network,
  ): Promise<JobResults[Type]> {
    const { port1, port2 } = new MessageChannel();
    const report = this.#report();
    // When the network fails first, the role's own failure is an echo of it.
    report.catch(() => {});
    this.#worker.postMessage({ type, ...job, port: port2 }, [port2]);
    try {
      await relay(new PortChannel(port1), network.channel, network.signal);
    } catch (error) {
      // The role's own report of an internal fault says more than its channel may.
      if (error instanceof SphynxError && error.code === 'internal') await report;
      throw error;
    }
    return (await report) as JobResults[Type];
  }

  /** Rehearses inferences of a model in the background, until the next job. */
  warm(agreement: Agreement): void {
    this.#worker.postMessage({ type: 'warm', agreement } satisfies WarmUp);
  }

  /** Ends the thread wherever it is. When this resolves, it touches no file any more. */
  async stop(): Promise<void> {
    await this.#worker.terminate();
    await this.#exit;
  }

  #report(): Promise<JobResults[Job['type']]> {
    return new Promise((resolve, reject) => {
      const dead = () => reject(new SphynxError('internal', 'a worker thread died', { cause: this.#cause }));
      if (!this.#alive) return dead();
      this.#worker.once('exit', dead);
      this.#worker.once('message', (report: Report) => {
        this.#worker.off('exit', dead);
        if (report.type === 'done') resolve(report.result);
        else
          reject(
            new SphynxError(report.code as SphynxErrorCode, report.message, {
              cause: report.detail || undefined,
            }),
          );
      });
    });
  }
}
