import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import { test } from 'node:test';
import fc from 'fast-check';
import {
  offerProducts,
  PRODUCT_BYTES,
  PRODUCT_TRANSFERS,
  productChoices,
  productHash,
  takeProducts,
} from '../../../crypto/ot/oblivious-product.ts';

const random = (length: number) => new Uint8Array(randomBytes(length));

/** Both parties, with the transfers replaced by their result. */
function multiply(rho: Uint32Array, r: Uint32Array, shares: Uint32Array, first = 0) {
  const count = r.length;
  const delta = random(16);
  delta[0] |= 1;
  const zero = random(16 * PRODUCT_TRANSFERS * count);
  const choices = productChoices(r);
  const labels = zero.map((byte, i) => byte ^ (choices[i >> 4] ? delta[i & 15] : 0));
  const nonce = random(16);
  const sent = offerProducts(productHash(nonce, 3), first, zero, delta, rho, shares);
  const take = (bytes = sent, held = labels) => takeProducts(productHash(nonce, 3), first, held, r, bytes);
  return { sent, labels, take };
}

const edge = fc.constantFrom(0, 1, 2, 2 ** 16 - 1, 2 ** 16, 2 ** 31 - 1, 2 ** 31, 2 ** 32 - 1);
const word = fc.oneof(edge, fc.integer({ min: 0, max: 2 ** 32 - 1 }));

test('the shares add up to the product mod 2^32, and the sender’s is the one that it wanted', () => {
  fc.assert(
    fc.property(
      fc.array(fc.tuple(word, word, word), { minLength: 1, maxLength: 60 }),
      fc.constantFrom(0, 7, 2 ** 31),
      (products, first) => {
        const [rho, r, shares] = [0, 1, 2].map((i) => Uint32Array.from(products, (three) => three[i]));
        const { sent, take } = multiply(rho, r, shares, first);
        assert.equal(sent.length, PRODUCT_BYTES * r.length);
        assert.deepEqual(
          [...take()],
          products.map(([a, b, own]) => (Math.imul(a, b) - own) >>> 0),
        );
      },
    ),
  );
});

test('what is sent tells neither factor: it is uniform for any', () => {
  const count = 2000;
  for (const value of [0, 2 ** 32 - 1]) {
    const factors = new Uint32Array(count).fill(value);
    const shares = new Uint32Array(random(4 * count).buffer);
    const { sent } = multiply(factors, new Uint32Array(count).fill(5), shares);
    const counts = new Float64Array(256);
    for (const byte of sent) counts[byte]++;
    const expected = sent.length / 256;
    const chiSquare = counts.reduce((sum, n) => sum + (n - expected) ** 2 / expected, 0);
    assert.ok(Math.abs(chiSquare - 255) < 10 * Math.sqrt(2 * 255));
  }
});

test('a wrong label or correction gives a wrong share', () => {
  const count = 64;
  const [rho, r, shares] = [3, 0x80000001, 17].map((value) => new Uint32Array(count).fill(value));
  const { sent, labels, take } = multiply(rho, r, shares);
  const right = take();
  // Of the last transfer one bit counts, which a wrong label hits in every other product.
  for (const transfer of [0, 31]) {
    const start = 16 * count * transfer;
    const wrong = labels.map((byte, i) =>
      i >= start && i < start + 16 * count && i % 16 === 0 ? byte ^ 2 : byte,
    );
    assert.notDeepEqual(take(sent, wrong), right);
  }
  for (const byte of [0, 64 * count, 68 * count - 1])
    assert.notDeepEqual(take(sent.with(byte, sent[byte] ^ 1)), right);
});

test('wrong lengths are refused', () => {
  const one = Uint32Array.of(1);
  const { sent, labels, take } = multiply(one, one, one);
  for (const refused of [
    () => take(sent.subarray(1)),
    () => take(sent, labels.subarray(16)),
    () => offerProducts(productHash(random(16), 0), 0, labels.subarray(1), random(16), one, one),
    () => offerProducts(productHash(random(16), 0), 0, labels, random(16), one, new Uint32Array(2)),
  ])
    assert.throws(refused, { code: 'crypto/input' });
});

test('the bytes of fixed secrets never change: the other side relies on them', () => {
  const fixed = (length: number, step: number) => new Uint8Array(length).map((_, i) => i * step);
  const sent = offerProducts(
    productHash(fixed(16, 3), 2),
    5,
    fixed(16 * 32 * 3, 7),
    fixed(16, 5),
    Uint32Array.of(1, 2 ** 31, 123456789),
    Uint32Array.of(9, 8, 7),
  );
  assert.equal(
    createHash('sha256').update(sent).digest('hex').slice(0, 32),
    '4ed7b86d55120fd9a53ea380baafc0d9',
  );
});
