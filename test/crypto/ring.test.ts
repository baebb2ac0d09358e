import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { addShares, bytesToWords, subtractShares, wordsToBytes } from '../../crypto/ring.ts';

const word = fc.oneof(fc.integer({ min: 0, max: 2 ** 32 - 1 }), fc.constantFrom(0, 1, 2 ** 31, 2 ** 32 - 1));
const pairs = fc.array(fc.tuple(word, word), { maxLength: 50 });

test('shares add and subtract modulo 2^32', () => {
  fc.assert(
    fc.property(pairs, (values) => {
      const a = Uint32Array.from(values, ([x]) => x);
      const b = Uint32Array.from(values, ([, y]) => y);
      assert.deepEqual(
        [...addShares(a, b)],
        values.map(([x, y]) => (x + y) % 2 ** 32),
      );
      assert.deepEqual(addShares(subtractShares(a, b), b), a);
    }),
  );
});

test('neither operand changes, and shares of unequal length are refused', () => {
  const a = Uint32Array.of(1, 2);
  const b = Uint32Array.of(3, 4);
  addShares(a, b);
  subtractShares(a, b);
  assert.deepEqual([...a, ...b], [1, 2, 3, 4]);
  assert.throws(() => addShares(a, new Uint32Array(3)), { code: 'crypto/input' });
  assert.throws(() => subtractShares(a, new Uint32Array(1)), { code: 'crypto/input' });
});

test('words are little-endian on the wire and come back from any address', () => {
  const words = Uint32Array.of(0x04030201, 0xfffefdfc);
  const bytes = wordsToBytes(words);
  assert.deepEqual([...bytes], [1, 2, 3, 4, 0xfc, 0xfd, 0xfe, 0xff]);
  const shifted = new Uint8Array(11);
  shifted.set(bytes, 3);
  const back = bytesToWords(shifted.subarray(3));
  assert.deepEqual(back, words);
  shifted.fill(0);
  assert.deepEqual(back, words, 'a copy');
  assert.throws(() => bytesToWords(shifted), { code: 'crypto/input' });
});
