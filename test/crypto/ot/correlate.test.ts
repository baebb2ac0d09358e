import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import { test } from 'node:test';
import fc from 'fast-check';
import { correctLabels, labelCorrections } from '../../../crypto/ot/correlate.ts';
import { RandomOtReceiver, RandomOtSender } from '../../../crypto/ot/random-ot.ts';
import { dealBaseOts, randomBits } from './base-ots.ts';

const random = (length: number) => new Uint8Array(randomBytes(length));

/** From both random messages to the label that the receiver computes, with the pair it must come from. */
function correlated(count: number, choices: Uint8Array) {
  const [zero, one, delta] = [random(16 * count), random(16 * count), random(16)];
  const messages = zero.map((byte, i) => (choices[i >> 4] ? one[i] : byte));
  const corrections = labelCorrections(zero, one, delta);
  const labels = correctLabels(messages, choices, corrections);
  return { zero, one, delta, messages, corrections, labels };
}

test('the receiver gets label zero or zero xor delta, as it chose', () => {
  const counts = fc.oneof(fc.constantFrom(0, 1, 4095, 4096, 4097, 10000), fc.integer({ min: 2, max: 300 }));
  fc.assert(
    fc.property(counts, fc.constantFrom('zeros', 'ones', 'random'), (count, kind) => {
      const choices =
        kind === 'random' ? randomBits(count) : new Uint8Array(count).fill(kind === 'ones' ? 1 : 0);
      const { zero, one, delta, corrections, labels } = correlated(count, choices);
      assert.deepEqual(
        corrections,
        zero.map((byte, i) => byte ^ one[i] ^ delta[i & 15]),
      );
      assert.deepEqual(
        labels,
        zero.map((byte, i) => byte ^ (choices[i >> 4] ? delta[i & 15] : 0)),
      );
    }),
    { numRuns: 40 },
  );
});

test('random OT and corrections together give labels of one delta', () => {
  const { pairs, choices: base } = dealBaseOts();
  const choices = randomBits(1000);
  const delta = random(16);
  const receiver = new RandomOtReceiver(pairs, 4);
  const { matrix, messages } = receiver.extend(choices);
  const { zero, one } = new RandomOtSender(base, 4, receiver.treeMessage).extend(1000, matrix);
  const labels = correctLabels(messages, choices, labelCorrections(zero, one, delta));
  assert.deepEqual(
    labels,
    zero.map((byte, i) => byte ^ (choices[i >> 4] ? delta[i & 15] : 0)),
  );
});

test('the arguments are left alone, and received bytes may stand at any address', () => {
  const choices = randomBits(50);
  const { messages, corrections, labels } = correlated(50, choices);
  const before = [messages.slice(), corrections.slice()];
  const shifted = new Uint8Array(corrections.length + 3);
  shifted.set(corrections, 3);
  assert.deepEqual(correctLabels(messages, choices, shifted.subarray(3)), labels);
  assert.deepEqual([messages, corrections], before);
});

test('lengths that do not belong together are refused', () => {
  const blocks = (count: number) => new Uint8Array(16 * count);
  const choices = new Uint8Array(2);
  for (const length of [0, 16, 31, 33, 48])
    assert.throws(() => correctLabels(blocks(2), choices, new Uint8Array(length)), {
      code: 'protocol/length',
    });
  assert.throws(() => correctLabels(blocks(3), choices, blocks(3)), { code: 'crypto/input' });
  assert.throws(() => labelCorrections(blocks(2), blocks(1), blocks(1)), { code: 'crypto/input' });
  assert.throws(() => labelCorrections(blocks(2), blocks(2), new Uint8Array(15)), { code: 'crypto/input' });
  assert.throws(() => labelCorrections(new Uint8Array(8), new Uint8Array(8), blocks(1)), {
    code: 'crypto/input',
  });
});

test('the bytes of the corrections are fixed', () => {
  const bytes = (start: number, length: number) => Uint8Array.from({ length }, (_, i) => start + 7 * i);
  const corrections = labelCorrections(bytes(1, 64), bytes(100, 64), bytes(31, 16));
  const digest = createHash('sha256').update(corrections).digest('hex').slice(0, 32);
  assert.equal(digest, 'cae9f003053d50e5e378bda2b3ab7fcb');
});
