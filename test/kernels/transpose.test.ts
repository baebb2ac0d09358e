import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { kernels } from '../../kernels/load.ts';
import { MATRIX_ROWS, transpose, xorIf } from '../../kernels/transpose.ts';

function transposed(matrix: Uint8Array): Uint8Array {
  const { memory } = kernels();
  return memory.scope(() => {
    const input = memory.bytes(matrix.length);
    input.set(matrix);
    const out = memory.bytes(matrix.length).fill(0xa5);
    transpose(input, out);
    assert.deepEqual(input.slice(), matrix, 'the matrix itself is left alone');
    return out.slice();
  });
}

/** Bit by bit. */
function transposedPlainly(matrix: Uint8Array): Uint8Array {
  const rowBytes = matrix.length / MATRIX_ROWS;
  const out = new Uint8Array(matrix.length);
  for (let j = 0; j < MATRIX_ROWS; j++)
    for (let i = 0; i < 8 * rowBytes; i++) {
      const bit = (matrix[j * rowBytes + (i >> 3)] >> (i & 7)) & 1;
      out[16 * i + (j >> 3)] |= bit << (j & 7);
    }
  return out;
}

const matrices = fc
  .constantFrom(16, 32, 48, 256, 400)
  .chain((rowBytes) =>
    fc.uint8Array({ minLength: MATRIX_ROWS * rowBytes, maxLength: MATRIX_ROWS * rowBytes, size: 'max' }),
  );

test('bit i of row j becomes bit j of row i', () => {
  fc.assert(
    fc.property(matrices, (matrix) => assert.deepEqual(transposed(matrix), transposedPlainly(matrix))),
    { numRuns: 30 },
  );
});

test('every single bit lands in its place and nowhere else', () => {
  for (let row = 0; row < MATRIX_ROWS; row++) {
    const column = (37 * row + 5) % 128;
    const matrix = new Uint8Array(16 * MATRIX_ROWS);
    matrix[16 * row + (column >> 3)] = 1 << (column & 7);
    const expected = new Uint8Array(16 * MATRIX_ROWS);
    expected[16 * column + (row >> 3)] = 1 << (row & 7);
    assert.deepEqual(transposed(matrix), expected);
  }
});

test('all ones stay all ones', () => {
  assert.ok(transposed(new Uint8Array(2048).fill(255)).every((byte) => byte === 255));
});

test('a row is added where the choice is 1 and left alone where it is 0', () => {
  const bytes = fc.uint8Array({ minLength: 64, maxLength: 64, size: 'max' });
  fc.assert(
    fc.property(bytes, bytes, fc.constantFrom(0, 1), (target, source, choice) => {
      const { memory } = kernels();
      memory.scope(() => {
        const [changed, added] = [memory.bytes(64), memory.bytes(64)];
        changed.set(target);
        added.set(source);
        xorIf(choice, changed, added);
        assert.deepEqual(
          changed.slice(),
          target.map((byte, i) => (choice ? byte ^ source[i] : byte)),
        );
      });
    }),
  );
});
