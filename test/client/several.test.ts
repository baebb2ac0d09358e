import assert from 'node:assert/strict';
import { test } from 'node:test';
import { several } from '../../client/several.ts';
import { assertRight, image, newClient } from '../support/connected.ts';

test('a few run at once, and the outcomes are in order', async () => {
  let running = 0;
  let most = 0;
  const results = await several([3, 1, 2, 0, 5], 2, async (value) => {
    most = Math.max(most, ++running);
    for (let i = 0; i < value; i++) await new Promise((resolve) => setImmediate(resolve));
    running--;
    if (value === 2) throw new Error('two');
    return 10 * value;
  });
  assert.equal(most, 2);
  assert.deepEqual(
    results.map((result) => (result.status === 'fulfilled' ? result.value : result.reason.message)),
    [30, 10, 'two', 0, 50],
  );
  assert.deepEqual(await several([], 2, async () => 1), []);
});

test('a list is classified several at once, with bundles that are prepared first, and one failure is its own', async () => {
  const client = await newClient();
  const outcomes = await client.classifyAll([image, '/missing.png', image, image], { prepare: true });
  assert.deepEqual(
    outcomes.map(({ status }) => status),
    ['fulfilled', 'rejected', 'fulfilled', 'fulfilled'],
  );
  const bundles = new Set<string>();
  for (const outcome of outcomes)
    if (outcome.status === 'fulfilled') {
      await assertRight(outcome.value.logits);
      bundles.add(outcome.value.bundleId);
    } else assert.equal(outcome.reason.code, 'image/unreadable');
  assert.equal(bundles.size, 3);
  assert.equal((await client.bundles()).length, 1);
});
