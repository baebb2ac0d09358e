import assert from 'node:assert/strict';
import { readdirSync } from 'node:fs';
import { test } from 'node:test';
import { assertRight, image, newClient, newLink } from '../support/connected.ts';
import { runningServer } from '../support/running-server.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

const lostFiles = (folder: string) =>
  readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter((name) => name.endsWith('.lost'));

/** A server that lets a client hold one bundle only: a phantom would keep it from preparing another. */
const strict = await runningServer({ limits: { bundlesPerClient: 1 } });
const address = `127.0.0.1:${strict.port}`;

test('a bundle that an inference lost before the server accepted it counts no more at the next preparation', async () => {
  const stateFolder = temporaryFolder();
  const link = await newLink(strict.port);
  const client = await newClient({ stateFolder, clientToken: 'd'.repeat(32) }, link.address);
  await client.prepare();
  await link.quiet();
  // The question is cut off: whether the server has heard it cannot be seen from here.
  link.cutAfter(0, 'up');
  await assert.rejects(client.classify(image), { code: 'bundle/none' });
  assert.equal(lostFiles(stateFolder).length, 1);
  await assertRight((await client.classify(image, { prepare: true })).logits);
  assert.deepEqual(lostFiles(stateFolder), []);
});

test('a bundle whose `ready` was lost on the way counts no more when the preparation begins again', async () => {
  const probe = await newClient({}, address);
  const [{ offline }] = await probe.prepare();
  const stateFolder = temporaryFolder();
  const link = await newLink(strict.port);
  const client = await newClient({ stateFolder, clientToken: 'c'.repeat(32) }, link.address);
  // The cut hits what comes last: the confirmation, or the end of the tables before it.
  link.cutAfter(offline.down + 1);
  const moved: number[] = [];
  assert.equal((await client.prepare({ onProgress: ({ bytes }) => moved.push(bytes) })).length, 1);
  assert.ok(
    moved.some((bytes, i) => bytes < moved[i - 1]),
    'the preparation began again',
  );
  assert.deepEqual(lostFiles(stateFolder), []);
});

test('dropped bundles are gone here at once, and on the server at the next preparation', async () => {
  const stateFolder = temporaryFolder();
  const client = await newClient({ stateFolder }, address);
  const { openBundleStore } = await import('../../client/node/bundle-store.ts');
  const store = await openBundleStore(stateFolder, address);
  assert.equal(await store.drop(await client.prepare()), 1);
  assert.deepEqual(await client.bundles(), []);
  assert.equal((await client.prepare()).length, 1);
});
