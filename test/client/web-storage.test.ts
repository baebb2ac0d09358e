import assert from 'node:assert/strict';
import { test } from 'node:test';
import { MemoryFolder } from '../../client/browser/memory-folder.ts';

let loaded = 0;

/** Whether a fresh worker whose browser gives it this `navigator.storage` keeps bundles on disk. */
async function durableWith(storage: unknown): Promise<boolean> {
  Object.defineProperty(navigator, 'storage', { value: storage, configurable: true });
  const module = `../../client/browser/bundle-files.ts?worker=${loaded++}`;
  return (await import(module)).isDurable();
}

const failing = (name: string) => async () => {
  throw new DOMException('it fails', name);
};

/** Storage in which some methods of the folder and of its trial file are replaced. */
function storageWith(replaced: object): unknown {
  const folder = new MemoryFolder();
  const changed = {
    getFileHandle: async (name: string, options: { create: boolean }) =>
      Object.assign(await folder.getFileHandle(name, options), replaced),
    removeEntry: (name: string) => folder.removeEntry(name),
    ...replaced,
  };
  return { getDirectory: async () => changed };
}

test('bundles are kept in memory if the browser gives the page no storage', async () => {
  for (const none of [
    undefined,
    {},
    { getDirectory: failing('SecurityError') },
    { getDirectory: failing('UnknownError') },
    storageWith({ createSyncAccessHandle: undefined }),
    storageWith({ createSyncAccessHandle: failing('NotSupportedError') }),
  ])
    assert.equal(await durableWith(none), false);
});

test('storage that cannot be used now is an error, and not replaced by memory', async () => {
  for (const [storage, message] of [
    [{ getDirectory: failing('InvalidStateError') }, /it fails/],
    [storageWith({ getFileHandle: failing('QuotaExceededError') }), /free some space/],
    [storageWith({ createSyncAccessHandle: failing('InvalidStateError') }), /it fails/],
    [storageWith({ removeEntry: failing('NoModificationAllowedError') }), /it fails/],
  ] as const)
    await assert.rejects(durableWith(storage), { code: 'storage/failed', message });
  assert.equal(await durableWith(storageWith({})), true);
});
