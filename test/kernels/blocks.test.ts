import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { hashInputs, xorBlocks, xorChosen, xorEach, xorWhere } from '../../kernels/blocks.ts';
import { inWorkspace, place, randomBlocks, sigma, toBlocks } from '../support/block-reference.ts';

test('hash inputs are s(x) xor the index of the element', () => {
  fc.assert(
    fc.property(place, ({ count, first }) => {
      const x = [0n, 2n ** 128n - 1n, 2n ** 64n, ...randomBlocks(count)].slice(0, count);
      const inputs = inWorkspace(({ put, room }) => {
        const out = room(count);
        hashInputs(put(x), out, first);
        return toBlocks(out);
      });
      assert.deepEqual(
        inputs,
        x.map((block, e) => sigma(block) ^ BigInt(first + e)),
      );
    }),
  );
});

test('s is linear, and neither s nor s xor the identity loses anything', () => {
  const seen = new Set<bigint>();
  const orthogonal = new Set<bigint>();
  const basis = Array.from({ length: 128 }, (_, bit) => 1n << BigInt(bit));
  for (const a of basis)
    for (const b of basis) {
      if (a < b) continue;
      const block = a === b ? a : a ^ b;
      assert.equal(sigma(block), a === b ? sigma(a) : sigma(a) ^ sigma(b));
      seen.add(sigma(block));
      orthogonal.add(sigma(block) ^ block);
    }
  assert.equal(seen.size, (128 * 129) / 2);
  assert.equal(orthogonal.size, (128 * 129) / 2);
});

test('blocks are added to blocks, to all alike, where a bit is set and where a byte says so', () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 50 }), fc.nat(31), (count, bit) => {
      const target = randomBlocks(count);
      const source = randomBlocks(count);
      const [one] = randomBlocks(1);
      const words = Uint32Array.from(source, (block) => Number(block & 0xffffffffn));
      inWorkspace(({ memory, put }) => {
        const pairwise = put(target);
        xorBlocks(pairwise, put(source));
        assert.deepEqual(
          toBlocks(pairwise),
          target.map((block, e) => block ^ source[e]),
        );
        const alike = put(target);
        xorEach(alike, put([one]));
        assert.deepEqual(
          toBlocks(alike),
          target.map((block) => block ^ one),
        );
        const chosen = put(target);
        const bits = memory.u32(count);
        bits.set(words);
        xorWhere(chosen, bits, bit, put([one]));
        assert.deepEqual(
          toBlocks(chosen),
          target.map((block, e) => ((words[e] >>> bit) & 1 ? block ^ one : block)),
        );
        const asked = put(target);
        const choices = memory.bytes(count);
        choices.set(words.map((word) => word & 1));
        xorChosen(asked, choices, put(source));
        assert.deepEqual(
          toBlocks(asked),
          target.map((block, e) => (words[e] & 1 ? block ^ source[e] : block)),
        );
      });
    }),
  );
});
