/** Plays the client's roles in this worker itself, which does not block the page's own thread. */
import type { Agreement } from '../../protocol/plan.ts';
import { Rehearsals } from '../../threads/rehearsals.ts';
import type { LocalRole, NetworkRole, RoleJobs } from '../role-jobs.ts';
import type { Network, RoleRunner, StartRoleRunner } from '../role-runner.ts';
import { Roles } from '../roles.ts';

/** All runners share this worker, so real work of one ends the rehearsals of all. */
const rehearsals = new Rehearsals();

class WorkerRoleRunner implements RoleRunner {
  readonly #roles = new Roles(undefined, rehearsals);
  #running: Promise<unknown> = Promise.resolve();
  #alive = true;
  #playing = false;

  get alive(): boolean {
    return this.#alive;
  }

  get playing(): boolean {
    return this.#playing;
  }

  hold(): void {}

  call<Name extends LocalRole>(
    name: Name,
    given: RoleJobs[Name]['given'],
  ): Promise<RoleJobs[Name]['result']> {
    return this.#roles.call(name, given);
  }

  async play<Name extends NetworkRole>(
    name: Name,
    given: RoleJobs[Name]['given'],
    { channel }: Network,
  ): Promise<RoleJobs[Name]['result']> {
    this.#playing = true;
    const result = this.#roles.play(name, given, channel);
    this.#running = result;
    try {
      return await result;
    } finally {
      this.#playing = false;
    }
  }

  warm(agreement: Agreement): void {
    this.#roles.warm(agreement);
  }

  /** Resolves when no job is running; the conversation of a running job must have ended. */
  async stop(): Promise<void> {
    this.#alive = false;
    await this.#running.catch(() => {});
    await this.#roles.call('close', {});
  }
}

export const startRoleRunner: StartRoleRunner = () => new WorkerRoleRunner();
