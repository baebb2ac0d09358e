import assert from 'node:assert/strict';
import { test } from 'node:test';
import { pino } from 'pino';
import { BUNDLES_PER_SESSION } from '../../protocol/bundle.ts';
import { newClient } from '../support/connected.ts';
import { runningServer } from '../support/running-server.ts';

test('more bundles than a session may serve take further sessions, and the pool does not notice', async () => {
  const counts: number[] = [];
  const write = (line: string) => {
    const { msg, count } = JSON.parse(line);
    if (msg === 'session accepted') counts.push(count);
  };
  const server = await runningServer({ logger: pino({}, { write }) });
  const client = await newClient({}, `127.0.0.1:${server.port}`);
  const size = BUNDLES_PER_SESSION + 1;
  const full = Promise.withResolvers<void>();
  const pool = client.pool({
    low: size,
    high: size,
    onStatus: ({ state, error }) => (error ? full.reject(error) : state === 'full' && full.resolve()),
  });
  await full.promise;
  assert.deepEqual(counts, [BUNDLES_PER_SESSION, 1]);
  assert.equal((await client.bundles()).length, size);
  await pool.stop();
});
