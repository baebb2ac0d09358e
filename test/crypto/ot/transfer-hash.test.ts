import assert from 'node:assert/strict';
import { createCipheriv } from 'node:crypto';
import { test } from 'node:test';
import { SESSION_TRANSFERS, TransferHash } from '../../../crypto/ot/transfer-hash.ts';
import { deriveSeed } from '../../../crypto/prg.ts';
import { inWorkspace, randomBlocks, sigma, toBlocks, toBytes } from '../../kernels/block-reference.ts';

const session = new Uint8Array(32).fill(7);

test('the hash is AES_K(s(x) xor i) xor s(x) xor i', () => {
  const blocks = [0n, 2n ** 128n - 1n, ...randomBlocks(30)];
  const hashes = (id: Uint8Array, first: number) =>
    inWorkspace(({ memory, put }) => toBlocks(new TransferHash(id).of(put(blocks), first, memory)));
  const key = deriveSeed(session, 'transfer-hash').subarray(0, 16);
  for (const first of [0, 1, 128, SESSION_TRANSFERS - 32]) {
    const inputs = blocks.map((block, e) => sigma(block) ^ BigInt(first + e));
    const encrypted = toBlocks(createCipheriv('aes-128-ecb', key, null).update(toBytes(inputs)));
    assert.deepEqual(
      hashes(session, first),
      encrypted.map((block, e) => block ^ inputs[e]),
    );
  }
  assert.notDeepEqual(hashes(session, 0), hashes(session, 1), 'the tweak counts');
  assert.notDeepEqual(hashes(session, 0), hashes(new Uint8Array(32).fill(8), 0), 'the session counts');
});

test('tweaks are reserved without gaps or repeats, and refused long before they wrap', () => {
  const hash = new TransferHash(session);
  assert.equal(hash.take(128), 0);
  assert.equal(hash.take(1024), 128);
  assert.equal(hash.take(SESSION_TRANSFERS - 1152 - 128), 1152);
  assert.throws(() => hash.take(256), { code: 'crypto/input' });
  assert.equal(hash.take(128), SESSION_TRANSFERS - 128, 'a refusal reserves nothing');
  assert.throws(() => hash.take(128), { code: 'crypto/input' });
  assert.ok(SESSION_TRANSFERS < 2 ** 32);
});
