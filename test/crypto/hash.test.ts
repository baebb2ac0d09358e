import assert from 'node:assert/strict';
import { createCipheriv, createHash, randomBytes } from 'node:crypto';
import { test } from 'node:test';
import { GateHash, gadgetHash, gateHash, inKernelMemory, PURPOSE } from '../../crypto/hash.ts';
import { Prg } from '../../crypto/prg.ts';
import { hashInputs } from '../../kernels/blocks.ts';

const nonce = new Uint8Array(16).map((_, i) => 3 * i);

function hashOf(hash: GateHash, purpose: number, labels: Uint8Array, first: number): Uint8Array {
  return inKernelMemory((memory) => {
    const x = memory.bytes(labels.length);
    x.set(labels);
    const inputs = memory.bytes(labels.length);
    const out = memory.bytes(labels.length);
    hashInputs(x, inputs, first);
    hash.hash(purpose, inputs, out);
    return out.slice();
  });
}

test('H_K(x, i) is AES_K(s(x) xor i) xor s(x) xor i with the key of its purpose', () => {
  const layer = 5;
  const first = 70_000;
  const count = 9;
  const labels = new Uint8Array(randomBytes(16 * count));
  const seed = createHash('sha256')
    .update('gate-hash')
    .update(nonce)
    .update(Uint8Array.of(layer, 0, 0, 0));
  const keys = new Prg(new Uint8Array(seed.digest()), 'gate-keys').bytes(16 * 80);
  for (const purpose of [PURPOSE.digit(0), PURPOSE.generator(3), PURPOSE.evaluator(18), PURPOSE.decode(19)]) {
    const key = keys.subarray(16 * purpose, 16 * purpose + 16);
    const hashes = hashOf(gadgetHash(nonce, layer), purpose, labels, first);
    for (let e = 0; e < count; e++) {
      const [lo, hi] = new BigUint64Array(labels.slice(16 * e, 16 * e + 16).buffer);
      const y = Buffer.from(BigUint64Array.of(hi ^ BigInt(first + e), hi ^ lo).buffer);
      const cipher = createCipheriv('aes-128-ecb', key, null).setAutoPadding(false).update(y);
      const expected = cipher.map((byte, i) => byte ^ y[i]);
      assert.deepEqual(Buffer.from(hashes.subarray(16 * e, 16 * e + 16)), Buffer.from(expected));
    }
  }
});

test('no two purposes of a layer share a key, up to the widest adder', () => {
  const numbers = Object.values(PURPOSE).flatMap((number) =>
    Array.from({ length: 20 }, (_, bit) => number(bit)),
  );
  assert.equal(new Set(numbers).size, numbers.length);
  const hash = gadgetHash(nonce, 0);
  const label = new Uint8Array(16);
  assert.equal(new Set(numbers.map((number) => String(hashOf(hash, number, label, 0)))).size, numbers.length);
});

test('two circuits over one layer share no key', () => {
  const label = new Uint8Array(16);
  const values = ['gate-hash', 'argmax-hash'].map((circuit) =>
    String(hashOf(new GateHash(circuit, nonce, 3, 80), 7, label, 0)),
  );
  assert.notEqual(values[0], values[1]);
});

test('bundles and layers have keys of their own; a hash asked for again is the same', () => {
  const label = new Uint8Array(16);
  const other = nonce.with(15, 0);
  const value = (of: Uint8Array, layer: number) => String(hashOf(gateHash(of, layer), 7, label, 0));
  const values = [value(nonce, 0), value(nonce, 1), value(nonce, 256), value(other, 0), value(other, 1)];
  assert.equal(new Set(values).size, values.length);
  assert.deepEqual([value(nonce, 0), value(nonce, 1)], values.slice(0, 2));
});

test('a nonce that changes in place is not taken for the one before', () => {
  const changing = nonce.slice();
  const before = gateHash(changing, 0);
  changing[0] ^= 1;
  assert.notEqual(gateHash(changing, 0), before);
});

test('a nonce of another length is refused', () => {
  assert.throws(() => gadgetHash(new Uint8Array(15), 0), { code: 'crypto/input' });
});
