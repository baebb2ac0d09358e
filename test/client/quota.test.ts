import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Quota } from '../../client/quota.ts';
import { SphynxError } from '../../errors/sphynx-error.ts';
import { runningServer } from '../server/running-server.ts';
import { image, newClient } from './connected.ts';

test('after a refusal for the hour no bundle is put at stake before the hour is over', async () => {
  const server = await runningServer({ limits: { inferencesPerHour: 1 } });
  const client = await newClient({}, `127.0.0.1:${server.port}`);
  await client.prepare({ count: 3 });
  await client.classify(image);
  const refused = (error: SphynxError) =>
    error.code === 'quota/exceeded' && (error.retryAfterMs as number) > 0 && error.retryAfterMs! <= 3_600_000;
  await assert.rejects(client.classify(image), refused);
  assert.equal((await client.bundles()).length, 1, 'the server said so in exchange for a bundle');
  await assert.rejects(client.classify(image), refused);
  assert.equal((await client.bundles()).length, 1);
});

test('a refusal binds for as long as the server says, at most for an hour, and only if it says how long', () => {
  let now = 0;
  const quota = new Quota(() => now);
  quota.learn(new SphynxError('quota/exceeded', 'for good'));
  quota.learn(new SphynxError('server/busy', 'another matter', { retryAfterMs: 5000 }));
  quota.check();
  quota.learn(new SphynxError('quota/exceeded', 'for now', { retryAfterMs: 1000 }));
  now = 999;
  assert.throws(() => quota.check(), { code: 'quota/exceeded', retryAfterMs: 1, message: /1 min/ });
  now = 1000;
  quota.check();
  quota.learn(new SphynxError('quota/exceeded', 'for ages', { retryAfterMs: 99_999_999 }));
  now += 3_600_000;
  quota.check();
});
