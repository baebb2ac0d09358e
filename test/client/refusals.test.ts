/** A server that refuses by a limit is asked before anything masked leaves, and takes no bundle in exchange. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { PassedSegment, SphynxError } from '../../client/index.ts';
import { assertRight, bundleFiles, image, newClient } from '../support/connected.ts';
import { runningServer } from '../support/running-server.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

test('images beyond the limit at once wait for their turn, and none costs more than one bundle', async () => {
  const stateFolder = temporaryFolder();
  const server = await runningServer({ limits: { inferencesPerClient: 1 } });
  const client = await newClient({ stateFolder }, `127.0.0.1:${server.port}`);
  await client.prepare({ count: 5 });
  const results = await Promise.all(Array.from({ length: 4 }, () => client.classify(image)));
  for (const { logits } of results) await assertRight(logits);
  assert.equal(new Set(results.map(({ bundleId }) => bundleId)).size, 4);
  assert.equal((await client.bundles()).length, 1);
  assert.equal(bundleFiles(stateFolder).length, 1);
});

test('a quota that is used up keeps the bundles, sends nothing of the image, and refuses preparations too', async () => {
  const server = await runningServer({ limits: { inferencesPerHour: 1 } });
  const client = await newClient({}, `127.0.0.1:${server.port}`);
  await client.prepare({ count: 3 });
  await client.classify(image);
  const refused = (error: SphynxError) =>
    error.code === 'quota/exceeded' && (error.retryAfterMs as number) > 0 && error.retryAfterMs! <= 3_600_000;
  const passed: PassedSegment[] = [];
  const onSegment = (segment: PassedSegment) => passed.push(segment);
  for (let i = 0; i < 3; i++) await assert.rejects(client.classify(image, { onSegment }), refused);
  await assert.rejects(client.prepare(), refused);
  assert.deepEqual(passed, []);
  assert.equal((await client.bundles()).length, 2);
});

test('bundles that were refused in one process are spent by another', async () => {
  const stateFolder = temporaryFolder();
  const server = await runningServer({ limits: { inferencesPerHour: 1 } });
  const address = `127.0.0.1:${server.port}`;
  const first = await newClient({ stateFolder }, address);
  await first.prepare({ count: 2 });
  await first.classify(image);
  await assert.rejects(first.classify(image), { code: 'quota/exceeded' });
  await first.close();
  await server.reload({ limits: { inferencesPerHour: 2 } });
  const second = await newClient({ stateFolder }, address);
  await assertRight((await second.classify(image)).logits);
});
