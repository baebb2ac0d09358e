import { BLOCK_BYTES } from './blocks.ts';
import { kernels } from './load.ts';

/**
 * One position of a full adder for a chunk of elements (Zahur, Rosulek, Evans 2015): c' = c xor ((a xor c) and
 * (b xor c)), sum = a xor b xor c. Labels are arrays of 16-byte blocks in kernel memory, one per element. In
 * between, the caller applies AES to the inputs: `...Inputs` hold y, `...Ciphers` AES(y); H = y xor AES(y).
 */
export interface AdderPosition {
  /** a xor c and b xor c: the inputs of the AND gate. */
  readonly left: Uint8Array;
  readonly right: Uint8Array;
  /** y of left and right: one block per element to evaluate; two planes (label 0, label 1) to garble. */
  readonly leftInputs: Uint8Array;
  readonly rightInputs: Uint8Array;
}

export interface AndCiphers {
  readonly left: Uint8Array;
  readonly right: Uint8Array;
}

/** The two ciphertexts of each gate: the generator's and the evaluator's half. */
export interface AndRows {
  readonly generator: Uint8Array;
  readonly evaluator: Uint8Array;
}

const at = (view: ArrayBufferView) => kernels().memory.address(view);

/** Fills `position` and `sum` from the labels a, b, c. `delta` (16 bytes) when garbling, null when evaluating. */
export function adderInputs(
  a: Uint8Array,
  b: Uint8Array,
  c: Uint8Array,
  delta: Uint8Array | null,
  position: AdderPosition,
  sum: Uint8Array,
  first: number,
): void {
  const { left, right, leftInputs, rightInputs } = position;
  kernels().call.adderInputs(
    ...[at(a), at(b), at(c), delta ? at(delta) : 0],
    ...[at(left), at(right), at(sum), at(leftInputs), at(rightInputs)],
    ...[a.length / BLOCK_BYTES, first],
  );
}

/** Garbles the AND gates: writes their rows, and turns c into the zero labels of the next carry. */
export function garbleAnd(
  { left, right, leftInputs, rightInputs }: AdderPosition,
  ciphers: AndCiphers,
  delta: Uint8Array,
  rows: AndRows,
  c: Uint8Array,
): void {
  kernels().call.garbleAnd(
    ...[at(left), at(right), at(delta)],
    ...[at(leftInputs), at(ciphers.left), at(rightInputs), at(ciphers.right)],
    ...[at(rows.generator), at(rows.evaluator), at(c), c.length / BLOCK_BYTES],
  );
}

/** Evaluates the AND gates: turns c into the labels of the next carry. */
export function evaluateAnd(
  { left, right, leftInputs, rightInputs }: AdderPosition,
  ciphers: AndCiphers,
  rows: AndRows,
  c: Uint8Array,
): void {
  kernels().call.evaluateAnd(
    ...[at(left), at(right)],
    ...[at(leftInputs), at(ciphers.left), at(rightInputs), at(ciphers.right)],
    ...[at(rows.generator), at(rows.evaluator), at(c), c.length / BLOCK_BYTES],
  );
}
