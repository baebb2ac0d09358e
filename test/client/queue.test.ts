import assert from 'node:assert/strict';
import { test } from 'node:test';
import { newClient } from '../support/connected.ts';
import { runningServer } from '../support/running-server.ts';

test('clients that find the server busy wait as it says, and all get their bundles', async () => {
  const server = await runningServer({ limits: { sessions: 1, preparations: 1, preparationQueue: 1 } });
  const address = `127.0.0.1:${server.port}`;
  const clients = await Promise.all([1, 2, 3].map(() => newClient({}, address)));
  const prepared = await Promise.all(clients.map((client) => client.prepare({ count: 2 })));
  assert.deepEqual(
    prepared.map((bundles) => bundles.length),
    [2, 2, 2],
  );
  const [{ quote }] = await clients[0].models();
  assert.ok(quote.offlineProcessorMs > 0, 'the quote tells what the bundles took');
  assert.equal(quote.expectedWaitMs, 0);
});

test('a client that may not wait as long as it takes is refused at once', async () => {
  const server = await runningServer({ limits: { sessions: 1 } });
  const blocking = server.client();
  const stream = blocking.preprocess();
  await stream.send({ hello: { ...blocking.model, count: 1 } });
  await stream.expect('accepted');
  const client = await newClient({ deadlines: { queueMs: 1 } }, `127.0.0.1:${server.port}`);
  await assert.rejects(client.prepare(), { code: 'server/busy', message: /try again later/ });
  stream.end();
});

test('an abort ends the wait for a busy server', async () => {
  const server = await runningServer({ limits: { sessions: 1 } });
  const blocking = server.client();
  const stream = blocking.preprocess();
  await stream.send({ hello: { ...blocking.model, count: 1 } });
  await stream.expect('accepted');
  const client = await newClient({}, `127.0.0.1:${server.port}`);
  const preparing = client.prepare({ signal: AbortSignal.timeout(300) });
  await assert.rejects(preparing, { code: 'aborted' });
  stream.end();
});
