import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { kernels } from '../../kernels/load.ts';
import { largestWord, PACKED_SLACK, packWords, unpackWords } from '../../kernels/packed-words.ts';

const { memory } = kernels();

test('words are packed without gaps, the lowest bit first, and come back', () => {
  const cases = fc.integer({ min: 1, max: 32 }).chain((bits) =>
    fc.record({
      bits: fc.constant(bits),
      words: fc.array(fc.integer({ min: 0, max: 2 ** bits - 1 }), { minLength: 64, maxLength: 64 }),
    }),
  );
  fc.assert(
    fc.property(cases, ({ bits, words }) => {
      memory.scope(() => {
        const [source, back] = [memory.u32(64), memory.u32(64)];
        source.set(words);
        const room = memory.bytes(8 * bits + PACKED_SLACK).fill(0xaa);
        const packed = room.subarray(0, 8 * bits);
        packWords(source, bits, packed);
        const whole = words.reduce((sum, word, i) => sum | (BigInt(word) << BigInt(i * bits)), 0n);
        const expected = Array.from(packed, (_, i) => Number((whole >> BigInt(8 * i)) & 255n));
        assert.deepEqual([...packed], expected);
        assert.ok(room.subarray(8 * bits).every((byte) => byte === 0xaa));
        unpackWords(packed, bits, back);
        assert.deepEqual([...back], words);
      });
    }),
  );
});

test('the largest word is found wherever it stands, also above 2^31', () => {
  fc.assert(
    fc.property(fc.array(fc.nat(2 ** 32 - 1), { minLength: 16, maxLength: 16 }), (words) => {
      memory.scope(() => {
        const view = memory.u32(16);
        view.set(words);
        assert.equal(largestWord(view), Math.max(...words));
      });
    }),
  );
});
