import assert from 'node:assert/strict';
import { chmodSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import fc from 'fast-check';
import { RecordCipher, storeKey } from '../../../server/store/record-cipher.ts';
import { configuredKeys, ownKeys } from '../../../server/store/store-keys.ts';
import { temporaryFolder } from '../../support/temporary-folder.ts';
import { newBundle } from '../bundles.ts';

const bytes = fc.uint8Array({ minLength: 32, maxLength: 32 });
const delta = fc.uint8Array({ minLength: 16, maxLength: 16 });
const owner = newBundle();

test('sealed secrets open to themselves, under their own key and for their own record only', () => {
  fc.assert(
    fc.property(bytes, bytes, bytes, fc.option(delta), (key, other, seed, delta) => {
      fc.pre(Buffer.compare(key, other) !== 0);
      const sealed = new RecordCipher([storeKey(key)]).seal(owner, { seed, delta });
      const both = new RecordCipher([storeKey(other), storeKey(key)]);
      assert.deepEqual(both.open(owner, sealed), { seed, delta });
      assert.equal(sealed.length, 16 + 1 + 4 * Math.ceil((12 + 32 + 1 + 16 + 16) / 3), 'one length for all');
      assert.throws(() => new RecordCipher([storeKey(other)]).open(owner, sealed), {
        code: 'storage/failed',
      });
      for (const change of ['id', 'client', 'identity'] as const)
        assert.throws(() => both.open({ ...owner, [change]: 'b'.repeat(32) }, sealed), {
          code: 'storage/failed',
        });
    }),
  );
});

test('sealed secrets with any bit changed are refused', () => {
  const cipher = new RecordCipher([storeKey(Buffer.alloc(32, 3))]);
  const [name, text] = cipher.seal(owner, owner.secrets).split(':');
  const sealed = Buffer.from(text, 'base64');
  for (let bit = 0; bit < 8 * sealed.length; bit++) {
    const changed = Buffer.from(sealed);
    changed[bit >> 3] ^= 1 << (bit & 7);
    assert.throws(() => cipher.open(owner, `${name}:${changed.toString('base64')}`), {
      code: 'storage/failed',
    });
  }
});

test('keys are read in hex and base64, from a file or the environment, the first one first', () => {
  const [first, second] = [Buffer.alloc(32, 1), Buffer.alloc(32, 2)];
  const expected = [storeKey(first).id, storeKey(second).id];
  const file = join(temporaryFolder(), 'keys');
  writeFileSync(file, `# comment\n${first.toString('hex')}\n\n${second.toString('base64')}\n`, {
    mode: 0o600,
  });
  assert.deepEqual(
    configuredKeys(file, {})?.map(({ id }) => id),
    expected,
  );
  const text = `${first.toString('base64')},${second.toString('hex')}`;
  assert.deepEqual(
    configuredKeys(undefined, { SPHYNX_STORE_KEY: text })?.map(({ id }) => id),
    expected,
  );
  assert.equal(configuredKeys(undefined, {}), undefined);
  chmodSync(file, 0o644);
  assert.throws(() => configuredKeys(file, {}), { code: 'config/invalid', message: /chmod/ });
});

test('text that is not a key is refused without being quoted', () => {
  for (const text of ['', 'secret', 'ab'.repeat(31), 'ab'.repeat(33), '!'.repeat(44)])
    assert.throws(
      () => configuredKeys(undefined, { SPHYNX_STORE_KEY: text }),
      ({ code, message }: { code: string; message: string }) =>
        code === 'config/invalid' && (text === '' || !message.includes(text)),
    );
});

test('a folder gets a key of its own once, for its owner alone', () => {
  const folder = temporaryFolder();
  const [{ id }] = ownKeys(folder);
  assert.equal(ownKeys(folder)[0].id, id);
  assert.equal(statSync(join(folder, 'store.key')).mode & 0o777, 0o600);
});
