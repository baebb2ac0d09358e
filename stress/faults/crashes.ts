/** Faults: processes that die, or are suspended, at the worst moment. */
import { basename } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { type Fault, type Stage, until, type Victim } from './stage.ts';

/** How long a process stays down (ms). */
const DOWN_MS = 3000;

/** Bytes per second at which an inference takes a second or more. */
const SLOW = 20_000;

export const CRASHES: readonly Fault[] = [
  {
    name: 'kill -9 of a replica',
    codes: ['server/unreachable', 'protocol/closed', 'protocol/deadline', 'bundle/none', 'bundle/unknown'],
    async inject({ cluster }) {
      const over = Date.now();
      await cluster.replicas[0].party.kill();
      await delay(DOWN_MS);
      await cluster.startReplica(0);
      return { over, told: [] };
    },
  },
  {
    name: 'a replica that stands still',
    codes: ['protocol/deadline', 'server/unreachable', 'protocol/closed', 'bundle/unknown'],
    async inject({ cluster }) {
      // The clients of replica 0 moved to this one when it was killed.
      const { pid } = cluster.replicas[1].party;
      process.kill(pid, 'SIGSTOP');
      await delay(4 * DOWN_MS);
      process.kill(pid, 'SIGCONT');
      return { over: Date.now(), told: [] };
    },
  },
  {
    name: 'kill -9 of Redis',
    codes: ['storage/failed', 'bundle/unknown'],
    async inject({ cluster }) {
      await cluster.redis.kill();
      await delay(DOWN_MS);
      await cluster.redis.restart();
      return { over: Date.now(), told: [] };
    },
  },
  {
    name: 'kill -9 of a client while it prepares',
    codes: [],
    async inject(stage) {
      const victim = await stage.victim();
      victim.link.slowDown(SLOW, 'down');
      lost(victim.prepare(4));
      await until('a bundle in preparation', () => victim.bundles('partial').length > 0);
      return revive(victim, 'partial');
    },
  },
  {
    name: 'kill -9 of a client in an inference',
    codes: [],
    async inject(stage) {
      const victim = await stage.victim();
      await victim.prepare(2);
      victim.link.slowDown(SLOW, 'down');
      lost(victim.classify());
      const [spending] = await spendingOf(stage, victim);
      const injected = await revive(victim, 'spending');
      if (stage.accepted.filter((id) => id === spending).length !== 1)
        throw new Error('the bundle of the killed client was spent again');
      return injected;
    },
  },
];

/** Kills the client, and has it classify after a restart on the same folder. */
async function revive(victim: Victim, leftover: 'partial' | 'spending') {
  const over = Date.now();
  victim.link.slowDown(Number.POSITIVE_INFINITY, 'down');
  await victim.killAndRestart();
  if (victim.bundles(leftover).length > 0) throw new Error(`a ${leftover} bundle was left behind`);
  const told = [await victim.classify()];
  await victim.end();
  return { over, told };
}

/** Ids of the bundles that the victim spends, once a server has accepted them. */
export async function spendingOf(stage: Stage, victim: Victim): Promise<string[]> {
  const ids = () => victim.bundles('spending').map((file) => basename(file).split('.')[0]);
  await until('a bundle in use', () => {
    const own = ids();
    return own.length > 0 && own.every((id) => stage.accepted.includes(id));
  });
  return ids();
}

/** Ignores the failure of a call whose process will be killed. */
function lost(call: Promise<unknown>): void {
  call.catch(() => {});
}
