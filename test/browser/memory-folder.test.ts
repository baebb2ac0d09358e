import assert from 'node:assert/strict';
import { test } from 'node:test';
import { MemoryFolder } from '../../client/browser/memory-folder.ts';

const named = (name: string) => (error: DOMException) => error.name === name;

test('a file in memory has one holder, keeps what was written, and disappears when it is removed', async () => {
  const folder = new MemoryFolder();
  await assert.rejects(folder.getFileHandle('a'), named('NotFoundError'));
  const file = await folder.getFileHandle('a', { create: true });
  const handle = await file.createSyncAccessHandle();
  await assert.rejects(file.createSyncAccessHandle(), named('NoModificationAllowedError'));
  assert.equal(handle.write(Uint8Array.of(1, 2, 3), { at: 2 }), 3);
  assert.equal(handle.getSize(), 5);
  const read = new Uint8Array(4);
  assert.deepEqual([handle.read(read, { at: 1 }), [...read]], [4, [0, 1, 2, 3]]);
  assert.equal(handle.read(read, { at: 9 }), 0);
  const content = await file.getFile();
  for (const [start, end, bytes] of [
    [undefined, undefined, [0, 0, 1, 2, 3]],
    [0, 9, [0, 0, 1, 2, 3]],
    [1, 4, [0, 1, 2]],
  ] as const)
    assert.deepEqual([...new Uint8Array(await content.slice(start, end).arrayBuffer())], bytes);
  handle.close();
  (await file.createSyncAccessHandle()).close();
  await folder.getDirectoryHandle('b', { create: true });
  const names = [];
  for await (const name of folder.keys()) names.push(name);
  assert.deepEqual(names, ['b', 'a']);
  await folder.removeEntry('a');
  await assert.rejects(folder.getFileHandle('a'), named('NotFoundError'));
  await assert.rejects(folder.removeEntry('a'), named('NotFoundError'));
});

test('memory has a limit, and removed files make room again', async () => {
  const folder = new MemoryFolder();
  const handleOf = async (name: string) =>
    (await folder.getFileHandle(name, { create: true })).createSyncAccessHandle();
  const piece = new Uint8Array(1);
  const first = await handleOf('first');
  assert.throws(() => first.write(piece, { at: 2 ** 30 }), named('QuotaExceededError'));
  first.write(piece, { at: 2 ** 29 });
  const second = await handleOf('second');
  assert.throws(() => second.write(piece, { at: 2 ** 29 }), named('QuotaExceededError'));
  await folder.removeEntry('first');
  second.write(piece, { at: 2 ** 29 });
});
