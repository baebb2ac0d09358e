/** Plays the client's roles in a thread of their own. */
import { MessageChannel, type MessagePort, Worker } from 'node:worker_threads';
import { SphynxError, type SphynxErrorCode } from '../../errors/sphynx-error.ts';
import type { Agreement } from '../../protocol/plan.ts';
import { PortChannel } from '../../transport/port-channel.ts';
import { relay } from '../../transport/relay.ts';
import { THREAD_HEAP_MB } from '../limits.ts';
import type { LocalRole, NetworkRole, RoleJobs, RoleName } from '../role-jobs.ts';
import type { Network, RoleRunner, StartRoleRunner } from '../role-runner.ts';
import type { Report, ToThread } from './thread-messages.ts';

// The worker's extension matches this file's: .ts or .js.
const ENTRY = new URL(import.meta.url.endsWith('.ts') ? './worker.ts' : './worker.js', import.meta.url);

class ThreadRoleRunner implements RoleRunner {
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

  hold(busy: boolean): void {
    if (busy) this.#worker.ref();
    else this.#worker.unref();
  }

  call<Name extends LocalRole>(
    name: Name,
    given: RoleJobs[Name]['given'],
  ): Promise<RoleJobs[Name]['result']> {
    const report = this.#report<Name>();
    this.#say({ type: 'job', name, given });
    return report;
  }

  async play<Name extends NetworkRole>(
    name: Name,
    given: RoleJobs[Name]['given'],
    network: Network,
  ): Promise<RoleJobs[Name]['result']> {
    const { port1, port2 } = new MessageChannel();
    const report = this.#report<Name>();
    // When the network fails first, the role's own failure is an echo of it.
    report.catch(() => {});
    this.#say({ type: 'job', name, given, port: port2 }, [port2]);
    try {
      await relay(new PortChannel(port1), network.channel, network.signal);
    } catch (error) {
      // The role's own report of an internal fault says more than its channel may.
      if (error instanceof SphynxError && error.code === 'internal') await report;
      throw error;
    }
    return report;
  }

  warm(agreement: Agreement): void {
    this.#say({ type: 'warm', agreement });
  }

  /** Ends the thread wherever it is. When this resolves, it touches no file any more. */
  async stop(): Promise<void> {
    await this.#worker.terminate();
    await this.#exit;
  }

  #say(message: ToThread, transfer: MessagePort[] = []): void {
    this.#worker.postMessage(message, transfer);
  }

  /** Resolves with the result of the job that is about to be given. */
  #report<Name extends RoleName>(): Promise<RoleJobs[Name]['result']> {
    return new Promise((resolve, reject) => {
      const dead = () => reject(new SphynxError('internal', 'a worker thread died', { cause: this.#cause }));
      if (!this.#alive) return dead();
      this.#worker.once('exit', dead);
      this.#worker.once('message', (report: Report<Name>) => {
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

export const startRoleRunner: StartRoleRunner = () => new ThreadRoleRunner();
