/** Faults: wall clocks that jump. */

import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { createClient } from 'redis';
import { FalseClock } from './false-clock.ts';
import type { Fault } from './stage.ts';

/** Longer than a bundle's lifetime (s). */
const EIGHT_DAYS = 8 * 24 * 3600;

/** Longer than a server waits before it sweeps its records (ms). */
const SWEPT_MS = 62_000;

/** A while under load (ms). */
const WHILE_MS = 3000;

export const CLOCKS: readonly Fault[] = [
  {
    name: 'the clock of one replica jumps 8 days ahead, and back',
    codes: [],
    async inject({ clock }) {
      clock.jump(EIGHT_DAYS);
      await delay(SWEPT_MS);
      clock.jump(0);
      return { over: Date.now(), told: [] };
    },
  },
  {
    name: 'the clock of one replica jumps 8 days back, and ahead',
    codes: [],
    async inject({ clock }) {
      clock.jump(-EIGHT_DAYS);
      await delay(WHILE_MS);
      clock.jump(0);
      return { over: Date.now(), told: [] };
    },
  },
  {
    // Redis cannot be given a false clock, because its allocator and libfaketime are incompatible, so its leases are
    // ended instead.
    name: 'the leases of all servers end, as when the clock of Redis jumps',
    codes: ['bundle/unknown'],
    async inject({ cluster }) {
      const redis = await createClient({ url: cluster.redis.url }).connect();
      for (const end = Date.now() + WHILE_MS; Date.now() < end; await delay(100)) {
        const leases = await redis.keys('{sphynx}:server:*');
        if (leases.length > 0) await redis.del(leases);
      }
      redis.destroy();
      return { over: Date.now(), told: [] };
    },
  },
  {
    name: 'the clock of a client jumps 8 days ahead, and back',
    codes: [],
    async inject(stage) {
      const clock = new FalseClock(join(stage.folder, 'client-clock'));
      const victim = await stage.victim(undefined, clock.environment);
      await victim.prepare(2);
      clock.jump(EIGHT_DAYS);
      const told = [await victim.classify(), await victim.prepare(1)];
      clock.jump(0);
      const over = Date.now();
      told.push(await victim.classify());
      await victim.end();
      return { over, told };
    },
  },
];
