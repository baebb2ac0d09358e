import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { pino } from 'pino';
import { DEFAULT_LIMITS, RESPAWN_MS } from '../../server/limits.ts';
import { PoolWorker } from '../../server/pool-worker.ts';
import { OnlineFlag } from '../../server/scheduling/online-flag.ts';
import { WorkerPool } from '../../server/worker-pool.ts';
import { network } from '../support/running-server.ts';

const silent = pino({ level: 'silent' });
const ONE_EACH = { ...DEFAULT_LIMITS, offlineWorkers: 1, onlineWorkers: 1 };
const INPUT = { networks: [network], setting: 'fast', kernelCacheBytes: 2 ** 20 } as const;
const { networks: NETWORKS, ...SETTINGS } = INPUT;
const WORKER = { ...SETTINGS, work: 'inferences', online: new OnlineFlag().shared, tolerated: 0 } as const;

const SECRETS = { seed: new Uint8Array(32), delta: null };

test('a role in a worker that dies fails its stream, and later jobs are refused', async () => {
  const worker = new PoolWorker(WORKER, NETWORKS, () => {});
  await worker.ready;
  const { channel } = worker.start('open', { session: 's', client: 'c' });
  // The server speaks first, and then waits for the client.
  assert.equal((await channel.receive()).kind, 'public-key-seed');
  await channel.wanted();
  const failing = assert.rejects(channel.receive(), { code: 'internal', message: /worker thread.*died/ });
  await worker.stop();
  await failing;
  assert.throws(() => worker.start('open', { session: 't', client: 'c' }), { code: 'internal' });
});

test('a dead worker is replaced, and until then its work is refused', async () => {
  const pool = await WorkerPool.start(INPUT, ONE_EACH, silent);
  const [victim] = pool.online;
  await victim.stop();
  for (const ask of [() => pool.checkOnline(), () => pool.infer(network.card.hash, SECRETS)])
    assert.throws(ask, { code: 'server/busy', retryAfterMs: RESPAWN_MS });
  while (!pool.online.some((worker) => worker.alive)) await delay(50);
  const { channel, release } = pool.infer(network.card.hash, SECRETS);
  pool.checkOnline();
  assert.equal(await channel.wanted(), true);
  release();
  await pool.stop();
});

test('a preparation and an inference run in threads of their own', async () => {
  const pool = await WorkerPool.start(INPUT, ONE_EACH, silent);
  const session = pool.openSession('s', 'a client');
  const opening = session.open();
  const { channel, release } = pool.infer(network.card.hash, SECRETS);
  assert.equal(await opening.wanted(), true);
  assert.equal(await channel.wanted(), true);
  assert.equal(pool.online[0].load, 1);
  release();
  session.close();
  assert.equal(pool.online[0].load, 0);
  await pool.stop();
});

test('a network that no worker can take keeps the pool from starting', async () => {
  const broken = { ...network, card: null as never };
  await assert.rejects(WorkerPool.start({ ...INPUT, networks: [broken] }, ONE_EACH, silent), {
    code: 'internal',
  });
});

test('a role for a model or session that does not exist is a fault of ours, reported for the log', async () => {
  const faults: string[] = [];
  const worker = new PoolWorker(WORKER, NETWORKS, (role) => faults.push(role));
  await worker.ready;
  const { channel, result } = worker.start('infer', { model: 'none', secrets: SECRETS });
  await assert.rejects(channel.receive(), { code: 'internal' });
  await assert.rejects(result, { code: 'internal' });
  assert.deepEqual(faults, ['infer']);
  await worker.stop();
});
