import type { Network, RoleThread } from '../../client/node/role-runner.ts';
import type { RoleThreads } from '../../client/role-runners.ts';
import { type RoleJob, Roles } from '../../client/roles.ts';
import type { Channel } from '../../protocol/channel.ts';
import type { ClientSession } from '../../protocol/session.ts';

/**
 * The client's threads, played in this one: a thread that met a hostile server is thrown away, and a new one takes
 * longer to start than a hundred cases.
 *
 * @param session one that is open from the start and stays so; without it every stream opens its own
 */
export function inThreadRoles(session?: ClientSession): RoleThreads {
  const threads: Pick<RoleThreads, 'with' | 'close'> = {
    async with(_, work) {
      const roles = new Roles(session);
      const play = (job: object, channel?: Channel) => roles.play(job as RoleJob, channel as Channel);
      const thread = {
        call: (type: string, job: object) =>
          type === 'close' && session ? Promise.resolve() : play({ type, ...job }),
        play: (type: string, job: object, { channel }: Network) =>
          type === 'open' && session ? Promise.resolve() : play({ type, ...job }, channel),
        stop: async () => {},
      };
      try {
        // All that the client's calls use of a thread.
        return await work(thread as unknown as RoleThread);
      } finally {
        if (!session) await play({ type: 'close' });
      }
    },
    async close() {},
  };
  return threads as unknown as RoleThreads;
}
