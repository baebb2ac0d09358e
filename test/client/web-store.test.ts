import assert from 'node:assert/strict';
import { test } from 'node:test';
import { openBundleStore } from '../../client/browser/bundle-store.ts';
import { MemoryFolder } from '../../client/browser/memory-folder.ts';

const origin = new MemoryFolder();
const give = (name: string, value: unknown) =>
  Object.defineProperty(navigator, name, { value, configurable: true });
give('storage', { getDirectory: async () => origin });
give('locks', { request: (_: string, body: () => Promise<unknown>) => body() });

test('no bundle is used if the browser cannot read which ones are set aside', async () => {
  const store = await openBundleStore('sphynx', 'wss://models.example.org');
  assert.deepEqual(await store.list(), []);
  await store.setAside();
  const names = ['sphynx', encodeURIComponent('wss://models.example.org')];
  let folder: Pick<MemoryFolder, 'getDirectoryHandle' | 'getFileHandle'> = origin;
  for (const name of names) folder = await folder.getDirectoryHandle(name);
  const note = await folder.getFileHandle('quarantine');
  note.getFile = async () => {
    throw new DOMException('it changed meanwhile', 'NotReadableError');
  };
  for (const ask of [() => store.list(), () => store.take('a'.repeat(64), 'b'.repeat(64))])
    await assert.rejects(ask(), { code: 'storage/failed', message: /changed meanwhile/ });
});
