import assert from 'node:assert/strict';
import { chmodSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import fc from 'fast-check';
import { SeedCipher, storeKey } from '../../../server/store/seed-cipher.ts';
import { configuredKeys, ownKeys } from '../../../server/store/store-keys.ts';
import { temporaryFolder } from '../bundles.ts';

const bytes = fc.uint8Array({ minLength: 32, maxLength: 32 });
const id = 'a'.repeat(32);

test('a sealed seed opens to itself, under its own key and for its own bundle only', () => {
  fc.assert(
    fc.property(bytes, bytes, bytes, (key, other, seed) => {
      fc.pre(Buffer.compare(key, other) !== 0);
      const sealed = new SeedCipher([storeKey(key)]).seal(id, seed);
      assert.deepEqual(
        Uint8Array.from(new SeedCipher([storeKey(other), storeKey(key)]).open(id, sealed)),
        seed,
      );
      assert.throws(() => new SeedCipher([storeKey(other)]).open(id, sealed), { code: 'storage/failed' });
      assert.throws(() => new SeedCipher([storeKey(key)]).open('b'.repeat(32), sealed), {
        code: 'storage/failed',
      });
    }),
  );
});

test('a sealed seed with any bit changed is refused', () => {
  const cipher = new SeedCipher([storeKey(Buffer.alloc(32, 3))]);
  const [name, text] = cipher.seal(id, Buffer.alloc(32, 5)).split(':');
  const sealed = Buffer.from(text, 'base64');
  for (let bit = 0; bit < 8 * sealed.length; bit++) {
    const changed = Buffer.from(sealed);
    changed[bit >> 3] ^= 1 << (bit & 7);
    assert.throws(() => cipher.open(id, `${name}:${changed.toString('base64')}`), { code: 'storage/failed' });
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

test('what is no key is refused without being repeated', () => {
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
