import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { test } from 'node:test';
import fc from 'fast-check';
import { inKernelMemory } from '../../crypto/hash.ts';
import { transpose, xorIf } from '../../kernels/transpose.ts';

const bitOf = (bytes: Uint8Array, index: number) => (bytes[index >> 3] >> (index & 7)) & 1;

function transposed(matrix: Uint8Array): Uint8Array {
  return inKernelMemory((memory) => {
    const input = memory.bytes(matrix.length);
    input.set(matrix);
    const out = memory.bytes(matrix.length);
    transpose(input, out);
    return out.slice();
  });
}

test('bit i of row j becomes bit j of row i', () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 5 }), (blocks) => {
      const matrix = new Uint8Array(randomBytes(128 * 16 * blocks));
      const out = transposed(matrix);
      const columns = 128 * blocks;
      for (let i = 0; i < columns; i++)
        for (let j = 0; j < 128; j++) assert.equal(bitOf(out, i * 128 + j), bitOf(matrix, j * columns + i));
    }),
    { numRuns: 6 },
  );
});

test('matrices of all zeros, all ones and a single one', () => {
  assert.ok(transposed(new Uint8Array(2048)).every((byte) => byte === 0));
  assert.ok(transposed(new Uint8Array(2048).fill(255)).every((byte) => byte === 255));
  const single = new Uint8Array(2048);
  single[127 * 16 + 15] = 128; // row 127, column 127
  const out = transposed(single);
  assert.equal(out[2047], 128);
  assert.equal(out.filter((byte) => byte !== 0).length, 1);
});

test('a row is added where the choice is 1 and left alone where it is 0', () => {
  for (const choice of [0, 1])
    inKernelMemory((memory) => {
      const target = memory.bytes(64).fill(0x5a);
      const source = memory.bytes(64).fill(0xff);
      xorIf(choice, target, source);
      assert.ok(target.every((byte) => byte === (choice ? 0xa5 : 0x5a)));
    });
});
