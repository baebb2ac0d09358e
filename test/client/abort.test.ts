import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { PrepareProgress } from '../../client/index.ts';
import { assertRight, bundleFiles, image, newClient } from '../support/connected.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

test('an abort while preparing keeps what is ready, leaves nothing half done, and the client works on', async () => {
  const stateFolder = temporaryFolder();
  const client = await newClient({ stateFolder });
  const abort = new AbortController();
  const onProgress = ({ ready, bytes, totalBytes }: PrepareProgress) => {
    if (ready === 1 && bytes > 0.6 * totalBytes) abort.abort();
  };
  await assert.rejects(client.prepare({ count: 2, onProgress, signal: abort.signal }), { code: 'aborted' });
  assert.match(bundleFiles(stateFolder).join(), /^[^,]*\.ready$/);
  await assertRight((await client.classify(image)).logits);
  await client.prepare();
});

test('an abort while classifying uses the bundle up, and the client works on', async () => {
  const stateFolder = temporaryFolder();
  const client = await newClient({ stateFolder });
  await client.prepare({ count: 2 });
  const abort = new AbortController();
  const classifying = client.classify(image, { signal: abort.signal });
  const spending = setInterval(
    () => bundleFiles(stateFolder).some((name) => name.endsWith('.spending')) && abort.abort(),
    1,
  );
  await assert.rejects(classifying, { code: 'aborted' });
  clearInterval(spending);
  assert.equal((await client.bundles()).length, 1);
  assert.equal(bundleFiles(stateFolder).length, 1);
  await assertRight((await client.classify(image)).logits);
});

test('a signal that has fired before the call stops it before anything happens', async () => {
  const client = await newClient();
  await client.prepare();
  const signal = AbortSignal.abort();
  await assert.rejects(client.classify(image, { signal }), { code: 'aborted' });
  await assert.rejects(client.prepare({ signal }), { code: 'aborted' });
  await assert.rejects(client.models({ signal }), { code: 'aborted' });
  assert.equal((await client.bundles()).length, 1);
  await client.classify(image);
});

test('a closed client stops what it was doing', async () => {
  const stateFolder = temporaryFolder();
  const client = await newClient({ stateFolder });
  const preparing = client.prepare({ count: 5, onProgress: () => void client.close() });
  await assert.rejects(preparing);
  assert.ok(bundleFiles(stateFolder).every((name) => name.endsWith('.ready')));
});
