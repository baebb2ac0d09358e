/** Benchmarks of passes over wire labels: hashing, half gates, tables, transposition. */
import { randomBytes } from 'node:crypto';
import { type GateHash, gadgetHash, PURPOSE } from '../../crypto/hash.ts';
import { hashInputs, xorBlocks } from '../../kernels/blocks.ts';
import { type AdderPosition, adderInputs, evaluateAnd, garbleAnd } from '../../kernels/half-gates.ts';
import { MATRIX_ROWS, transpose } from '../../kernels/transpose.ts';
import type { Entry } from './entry.ts';
import { mustEqual, sigma, xor } from './plain.ts';
import { block, blocks, bytes } from './room.ts';

const COUNT = 5120;

export function passes(): Entry[] {
  const [x, inputs, out] = [blocks(COUNT), blocks(COUNT), blocks(COUNT)];
  const hash = gadgetHash(new Uint8Array(randomBytes(16)), 0);
  const [matrix, columns] = [blocks(MATRIX_ROWS * 24), blocks(MATRIX_ROWS * 24)];
  const bit = (array: Uint8Array, index: number) => (array[index >> 3] >> (index & 7)) & 1;
  const plainTransposed = () => {
    const width = matrix.length / MATRIX_ROWS;
    const result = new Uint8Array(matrix.length);
    for (let column = 0; column < 8 * width; column++)
      for (let row = 0; row < MATRIX_ROWS; row++)
        result[16 * column + (row >> 3)] |= bit(matrix, 8 * width * row + column) << (row & 7);
    return result;
  };
  const plainHashInputs = () => {
    const result = new Uint8Array(16 * COUNT);
    for (let e = 0; e < COUNT; e++) {
      const input = sigma(block(x, e));
      new DataView(input.buffer).setUint32(0, new DataView(input.buffer).getUint32(0, true) ^ e, true);
      result.set(input, 16 * e);
    }
    return result;
  };
  return [
    {
      ...{ name: 'hash of labels', unit: 'hashes', units: COUNT, bytes: 16 * COUNT },
      run: () => {
        hashInputs(x, inputs, 0);
        hash.hash(PURPOSE.digit(0), inputs, out);
      },
      check: () => {
        const expected = plainHashInputs();
        hashInputs(x, inputs, 0);
        mustEqual(inputs, expected);
        hash.hash(PURPOSE.digit(0), inputs, out);
        hash.cipher(PURPOSE.digit(0), expected, expected);
        mustEqual(out, xor(expected, plainHashInputs()));
      },
      reference: { units: COUNT, run: plainHashInputs },
    },
    {
      ...{ name: 'sum of labels', unit: 'blocks', units: COUNT, bytes: 16 * COUNT },
      run: () => xorBlocks(out, x),
      reference: { units: COUNT, run: () => xor(out, x) },
      check: () => {
        const expected = xor(out, x);
        xorBlocks(out, x);
        mustEqual(out, expected);
      },
    },
    {
      ...{
        name: 'transpose of bits',
        unit: 'columns of 128',
        units: matrix.length / 16,
        bytes: matrix.length,
      },
      run: () => transpose(matrix, columns),
      reference: { units: matrix.length / 16, run: plainTransposed },
      check: () => {
        transpose(matrix, columns);
        mustEqual(columns, plainTransposed());
      },
    },
  ];
}

/** The AND gate of a full adder at one bit position of 5,120 elements, its hashing included. */
export function halfGates(): Entry[] {
  const [a, b, c, sum] = [blocks(COUNT), blocks(COUNT), blocks(COUNT), blocks(COUNT)];
  const delta = blocks(1);
  delta[0] |= 1;
  const hash = gadgetHash(new Uint8Array(randomBytes(16)), 0);
  const rows = { generator: blocks(COUNT), evaluator: blocks(COUNT) };
  const carry = bytes(16 * COUNT);
  const parts = (
    planes: number,
  ): { position: AdderPosition; ciphers: { left: Uint8Array; right: Uint8Array } } => ({
    position: {
      ...{ left: blocks(COUNT), right: blocks(COUNT) },
      ...{ leftInputs: blocks(planes * COUNT), rightInputs: blocks(planes * COUNT) },
    },
    ciphers: { left: blocks(planes * COUNT), right: blocks(planes * COUNT) },
  });
  const [garbling, evaluating] = [parts(2), parts(1)];
  const gate = (
    { position, ciphers }: ReturnType<typeof parts>,
    inputs: readonly [Uint8Array, Uint8Array],
    offset: Uint8Array | null,
  ) => {
    carry.set(c);
    adderInputs(inputs[0], inputs[1], carry, offset, position, sum, 0);
    hash.cipher(PURPOSE.generator(0), position.leftInputs, ciphers.left);
    hash.cipher(PURPOSE.evaluator(0), position.rightInputs, ciphers.right);
    if (offset) garbleAnd(position, ciphers, offset, rows, carry);
    else evaluateAnd(position, ciphers, rows, carry);
  };
  const plainGarble = () => plainGarbleAnd(a, b, c, delta, hash);
  /** Garbles, and evaluates on the labels of x, y and carry 0: the next carry must be x AND y. */
  const check = () => {
    gate(garbling, [a, b], delta);
    const zero = new Uint8Array(carry);
    for (const [x, y] of [
      [0, 0],
      [0, 1],
      [1, 0],
      [1, 1],
    ]) {
      const label = (wire: Uint8Array, value: number) => {
        const copy = bytes(16 * COUNT);
        for (let e = 0; e < COUNT; e++) copy.set(value ? xor(block(wire, e), delta) : block(wire, e), 16 * e);
        return copy;
      };
      gate(evaluating, [label(a, x), label(b, y)], null);
      for (let e = 0; e < COUNT; e++) {
        const expected = x && y ? xor(block(zero, e), delta) : block(zero, e);
        mustEqual(block(carry, e), expected);
      }
    }
  };
  const common = { unit: 'AND gates', units: COUNT };
  return [
    {
      ...{ name: 'half gates, garble', ...common, bytes: 32 * COUNT, floor: 10e6 },
      run: () => gate(garbling, [a, b], delta),
      reference: { units: COUNT, run: plainGarble },
      check,
    },
    {
      ...{ name: 'half gates, evaluate', ...common, bytes: 32 * COUNT, floor: 20e6 },
      run: () => gate(evaluating, [a, b], null),
      check,
    },
  ];
}

/** The rows of every gate, block by block (Zahur, Rosulek, Evans 2015, figure 2). */
function plainGarbleAnd(
  a: Uint8Array,
  b: Uint8Array,
  c: Uint8Array,
  delta: Uint8Array,
  hash: GateHash,
): Uint8Array[] {
  const h = (purpose: number, label: Uint8Array, index: number) => {
    const input = sigma(label);
    new DataView(input.buffer).setUint32(0, new DataView(input.buffer).getUint32(0, true) ^ index, true);
    const cipher = new Uint8Array(16);
    hash.cipher(purpose, input, cipher);
    return xor(cipher, input);
  };
  return Array.from({ length: COUNT }, (_, e) => {
    const [left, right] = [xor(block(a, e), block(c, e)), xor(block(b, e), block(c, e))];
    const generator = xor(
      h(20, left, e),
      h(20, xor(left, delta), e),
      right[0] & 1 ? delta : new Uint8Array(16),
    );
    const evaluator = xor(h(40, right, e), h(40, xor(right, delta), e), left);
    return xor(generator, evaluator);
  });
}
