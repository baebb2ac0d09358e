/** Faults: full disks. */
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type { Outcome } from '../cluster/outcome.ts';
import { SmallDisk } from './small-disk.ts';
import { type Fault, until } from './stage.ts';

/** How long a disk stays full (ms). */
const FULL_MS = 3000;

/** More than the space that a client must leave free (bytes). */
const CLIENT_DISK_BYTES = 200 * 2 ** 20;

/** Time in which a client notices that it was redirected to another server (ms). */
const RECONNECTED_MS = 500;

const SERVER_DISK_BYTES = 16 * 2 ** 20;

export const DISKS: readonly Fault[] = [
  {
    name: 'a full disk below Redis',
    codes: ['storage/failed', 'bundle/unknown'],
    async inject({ cluster, disk }) {
      disk.fill();
      await delay(FULL_MS);
      disk.free();
      // A Redis that may not lose writes exits when one fails, and its supervisor restarts it.
      if (cluster.redis.pid === undefined) await cluster.redis.restart();
      return { over: Date.now(), told: [] };
    },
  },
  {
    name: 'a full disk below a client',
    codes: ['storage/failed'],
    async inject(stage) {
      const disk = new SmallDisk(join(stage.folder, 'client-disk'), CLIENT_DISK_BYTES);
      const victim = await stage.victim(join(disk.folder, 'state'));
      try {
        await victim.prepare(1);
        victim.link.slowDown(200_000, 'down');
        const call = victim.prepare(2);
        await until('a bundle in preparation', () => victim.bundles('partial').length > 0);
        disk.fill();
        const told: Outcome[] = [await call, await victim.prepare(1)];
        victim.link.slowDown(Number.POSITIVE_INFINITY, 'down');
        // Ready bundles can be spent without any free space.
        told.push(await victim.classify());
        if (told[2].failure) throw new Error('a bundle that was ready could not be used');
        disk.free();
        const over = Date.now();
        return { over, told: [...told, await victim.classify()] };
      } finally {
        await victim.end();
        disk.unmount();
      }
    },
  },
  {
    name: 'a full disk below a server with its own records',
    codes: ['storage/failed'],
    async inject(stage) {
      const disk = new SmallDisk(join(stage.folder, 'server-disk'), SERVER_DISK_BYTES);
      const server = await stage.cluster.startSingle(
        join(disk.folder, 'records'),
        join(stage.folder, 'single.log'),
      );
      const victim = await stage.victim();
      try {
        victim.link.leadTo(server.ready.port);
        await delay(RECONNECTED_MS);
        const told: Outcome[] = [await victim.prepare(4)];
        disk.fill();
        told.push(await victim.classify(), await victim.prepare(1));
        disk.free();
        const over = Date.now();
        return { over, told: [...told, await victim.classify()] };
      } finally {
        await victim.end();
        await server.kill();
        disk.unmount();
      }
    },
  },
];
