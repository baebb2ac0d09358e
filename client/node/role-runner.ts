/** Plays the client's roles in a separate thread. */
import { MessageChannel } from 'node:worker_threads';
import { SphynxError } from '../../errors/sphynx-error.ts';
import { Thread, threadFile } from '../../platform/node/thread.ts';
import type { Agreement } from '../../protocol/plan.ts';
import { PortChannel } from '../../transport/port-channel.ts';
import { relay } from '../../transport/relay.ts';
import { THREAD_HEAP_MB } from '../limits.ts';
import type { LocalRole, NetworkRole, RoleJobs } from '../role-jobs.ts';
import type { Network, RoleRunner, StartRoleRunner } from '../role-runner.ts';
import type { ThreadCalls } from './thread-calls.ts';

class ThreadRoleRunner implements RoleRunner {
  readonly #thread = new Thread<ThreadCalls>(threadFile(import.meta.url, './worker'), {
    resourceLimits: { maxOldGenerationSizeMb: THREAD_HEAP_MB },
  });
  #playing = false;

  get alive(): boolean {
    return this.#thread.alive;
  }

  get playing(): boolean {
    return this.#playing;
  }

  hold(busy: boolean): void {
    this.#thread.hold(busy);
  }

  call<Name extends LocalRole>(
    name: Name,
    given: RoleJobs[Name]['given'],
  ): Promise<RoleJobs[Name]['result']> {
    return this.#thread.call(name, given);
  }

  async play<Name extends NetworkRole>(
    name: Name,
    given: RoleJobs[Name]['given'],
    network: Network,
  ): Promise<RoleJobs[Name]['result']> {
    const { port1, port2 } = new MessageChannel();
    this.#playing = true;
    const result = this.#thread.call(name, { job: given, port: port2 }, { ports: [port2] });
    // When the network fails first, the role's own failure is an echo of it.
    const over = result
      .catch(() => {})
      .then(() => {
        this.#playing = false;
      });
    try {
      await relay(new PortChannel(port1), network.channel, network.signal);
    } catch (error) {
      // The role's own report of an internal fault has more detail than its channel may reveal.
      if (error instanceof SphynxError && error.code === 'internal') await result;
      // Unless the network has stopped it, the role is at its end.
      if (!network.signal.aborted) await over;
      throw error;
    }
    await over;
    return result;
  }

  warm(agreement: Agreement): void {
    this.#thread.call('warm', agreement).catch(() => {});
  }

  stop(): Promise<void> {
    return this.#thread.stop();
  }
}

export const startRoleRunner: StartRoleRunner = () => new ThreadRoleRunner();
