import assert from 'node:assert/strict';
import { test } from 'node:test';
import { MemoryLimit } from '../../../server/admission/memory-limit.ts';
import { randomImage } from '../../support/card-image.ts';
import { network, runningServer } from '../../support/running-server.ts';

test('no preparation begins in a process that holds as much memory as it may', () => {
  let resident = 99;
  const memory = new MemoryLimit({ memoryBytes: 100 }, () => resident);
  memory.checkRoom();
  resident = 100;
  assert.throws(() => memory.checkRoom(), { code: 'server/busy', retryAfterMs: 5000 });
});

test('a server without memory refuses preparations with a hint, and runs inferences on', async () => {
  const server = await runningServer();
  const client = server.client();
  const { stream, session } = await client.openSession(2);
  const bundle = await client.prepareUncommitted(stream, session);
  await server.reload({ limits: { memoryBytes: 1 } });
  await stream.send({ commit: { bundleId: bundle.id } });
  await stream.expect('ready');
  assert.equal((await client.classify(bundle, randomImage(network.card))).length, 10);
  const full = { code: 'server/busy', retryAfterMs: 5000 };
  await stream.send({ begin: {} });
  await assert.rejects(stream.expect('offer'), full);
  await assert.rejects(client.prepare(1), full);
});
