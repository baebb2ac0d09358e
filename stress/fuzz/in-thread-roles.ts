/** The client's roles, played in this thread. */
import type { LocalRole, NetworkRole, RoleJobs } from '../../client/role-jobs.ts';
import type { Network, RoleRunner, RunnerPool } from '../../client/role-runner.ts';
import { Roles } from '../../client/roles.ts';
import type { ClientSession } from '../../protocol/session.ts';

class InThreadRunner implements RoleRunner {
  readonly alive = true;
  playing = false;
  readonly #roles: Roles;
  readonly #keepsSession: boolean;

  constructor(session?: ClientSession) {
    this.#roles = new Roles(session);
    this.#keepsSession = session !== undefined;
  }

  hold(): void {}

  async call<Name extends LocalRole>(
    name: Name,
    given: RoleJobs[Name]['given'],
  ): Promise<RoleJobs[Name]['result']> {
    if (name === 'close' && this.#keepsSession) return undefined as RoleJobs[Name]['result'];
    return this.#roles.call(name, given);
  }

  async play<Name extends NetworkRole>(
    name: Name,
    given: RoleJobs[Name]['given'],
    { channel }: Network,
  ): Promise<RoleJobs[Name]['result']> {
    if (name === 'open' && this.#keepsSession) return undefined as RoleJobs[Name]['result'];
    this.playing = true;
    try {
      return await this.#roles.play(name, given, channel);
    } finally {
      this.playing = false;
    }
  }

  warm(): void {}

  async stop(): Promise<void> {}
}

/**
 * The client's runners without threads: a thread that met a hostile server is discarded, and a new one takes longer to
 * start than a hundred cases.
 *
 * @param session a session that is always open; without it every stream opens its own
 */
export function inThreadRoles(session?: ClientSession): RunnerPool {
  return {
    async with(_, work) {
      const runner = new InThreadRunner(session);
      try {
        return await work(runner);
      } finally {
        await runner.call('close', {});
      }
    },
  };
}
