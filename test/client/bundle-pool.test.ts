import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { BundlePool, type PoolSource, type PoolStatus } from '../../client/bundle-pool.ts';
import { SphynxError } from '../../errors/sphynx-error.ts';
import { withOutput } from '../../model/network.ts';
import { assertRight, image, newClient } from '../support/connected.ts';
import { network, runningServer } from '../support/running-server.ts';

/** Resolves with the first status that fits. */
function watcher() {
  let wake = () => {};
  const seen: PoolStatus[] = [];
  return {
    seen,
    onStatus(status: PoolStatus) {
      seen.push(status);
      wake();
    },
    async until(fits: (status: PoolStatus) => boolean, from = 0): Promise<PoolStatus> {
      for (;;) {
        const found = seen.slice(from).find(fits);
        if (found) return found;
        await new Promise<void>((resolve) => {
          wake = resolve;
        });
      }
    },
  };
}

test('a pool fills up, refills when too few are left, and stops with the client', async () => {
  const client = await newClient();
  const { seen, onStatus, until } = watcher();
  const pool = client.pool({ low: 1, high: 2, onStatus });
  await until(({ state, ready }) => state === 'full' && ready === 2);
  const filled = seen.length;
  await assertRight((await client.classify(image)).logits);
  await delay(50);
  assert.ok(
    !seen.slice(filled).some(({ state }) => state === 'filling'),
    'one is left, which is not below 1',
  );
  await client.classify(image);
  await until(({ state }) => state === 'filling', filled);
  await until(({ state, ready }) => state === 'full' && ready === 2, filled + 1);
  await client.close();
  assert.equal(pool.status.state, 'stopped');
});

test('classify waits for a bundle of the pool that fills', async () => {
  const client = await newClient();
  const { onStatus, until } = watcher();
  client.pool({ low: 1, high: 2, onStatus });
  await assertRight((await client.classify(image, { prepare: true })).logits);
  await until(({ state }) => state === 'full');
  assert.equal((await client.bundles()).length, 2, 'classify prepared none of its own');
});

test('a pool tells its failure, tries again and recovers', async () => {
  const { seen, onStatus, until } = watcher();
  let ready = 0;
  let failures = 1;
  const source: PoolSource = {
    count: async () => ready,
    prepare: async (count, onReady) => {
      if (failures-- > 0) throw new SphynxError('server/unreachable', 'gone');
      for (let i = 0; i < count; i++) {
        ready++;
        onReady();
      }
    },
  };
  const pool = new BundlePool(source, { low: 1, high: 3, onStatus });
  const { error, retryInMs } = await until(({ state }) => state === 'retrying');
  assert.equal(error?.code, 'server/unreachable');
  assert.equal(retryInMs, 1000);
  await assert.rejects(pool.some(), { code: 'server/unreachable' });
  await until(({ state }) => state === 'full');
  assert.deepEqual(
    seen.map(({ state, ready }) => `${state} ${ready}`),
    ['retrying 0', 'filling 0', 'filling 1', 'filling 2', 'filling 3', 'full 3'],
  );
  await pool.stop();
  await pool.some();
  ready = 0;
  await assert.rejects(pool.some(), { code: 'aborted' });
});

test('waiting for a bundle can be aborted before the bundles are counted', async () => {
  const counted = Promise.withResolvers<number>();
  const pool = new BundlePool({ count: () => counted.promise, prepare: async () => {} }, { low: 1, high: 1 });
  const waiting = pool.some(AbortSignal.abort());
  // Node reports a rejection that nobody handles at the end of a turn.
  await delay(0);
  counted.resolve(1);
  await assert.rejects(waiting, { code: 'aborted' });
  await pool.stop();
});

test('a listener that throws does not end the pool', async () => {
  const onStatus = () => {
    throw new Error('the listener is broken');
  };
  const pool = new BundlePool(
    { count: async () => 1, prepare: async () => {} },
    { low: 1, high: 1, onStatus },
  );
  await pool.some();
  assert.equal(pool.status.state, 'full');
  await pool.stop();
  assert.equal(pool.status.state, 'stopped');
});

test('many inferences wait for one pool until each has a bundle', async () => {
  const client = await newClient();
  client.pool({ low: 1, high: 1 });
  const all = await Promise.all(Array.from({ length: 10 }, () => client.classify(image, { prepare: true })));
  assert.equal(new Set(all.map(({ bundleId }) => bundleId)).size, 10);
  await client.close();
});

test('a pool without a model’s name fills up again when the server has another version of it', async () => {
  const server = await runningServer();
  const client = await newClient({}, `127.0.0.1:${server.port}`);
  const { seen, onStatus, until } = watcher();
  client.pool({ low: 1, high: 1, onStatus });
  await until(({ state }) => state === 'full');
  await server.reload({ models: [withOutput(network, 'label')] });
  const before = seen.length;
  await assert.rejects(client.classify(image, { prepare: true }), { code: 'model/mismatch' });
  await until(({ state }) => state === 'full', before);
  const { logits } = await client.classify(image, { prepare: true });
  assert.equal(logits.length, 0, 'by the new version');
  await client.close();
});

test('pauses between failures double, and are no shorter than the server asks for', async () => {
  const { seen, onStatus, until } = watcher();
  let calls = 0;
  const source: PoolSource = {
    count: async () => {
      calls++;
      throw new SphynxError('server/busy', 'later', { retryAfterMs: calls === 1 ? 1500 : 0 });
    },
    prepare: async () => {},
  };
  const pool = new BundlePool(source, { low: 1, high: 1, onStatus });
  await until(({ retryInMs }) => retryInMs === 2000);
  assert.deepEqual(
    seen.map(({ retryInMs }) => retryInMs),
    [1500, 2000],
  );
  await pool.stop();
});

test('invalid options of a pool are refused', async () => {
  const client = await newClient();
  for (const [low, high] of [
    [0, 1],
    [2, 1],
    [1.5, 2],
  ])
    assert.throws(() => client.pool({ low, high }), { code: 'config/invalid' });
});

test('a server that stops does not end the pool of its client', async () => {
  const server = await runningServer();
  const client = await newClient({}, `127.0.0.1:${server.port}`);
  const { onStatus, until } = watcher();
  await server.stop();
  client.pool({ low: 1, high: 1, onStatus });
  const { error } = await until(({ state }) => state === 'retrying');
  assert.equal(error?.code, 'server/unreachable');
  await client.close();
});
