import { kernels } from './load.ts';

/**
 * Tables of 32-bit words that two labels open together. The rows are ordered by the colour bits of the labels (x, y);
 * the word of the values (x, y) is sigma + values[2x + y] mod 2^32. The row of colours 00 is reduced away: its pad is
 * its word, which fixes sigma. All arrays in kernel memory.
 */

/** Bytes of table per element: three rows. */
export const PAIR_ROW_BYTES = 12;

const at = (view: ArrayBufferView) => kernels().memory.address(view);

/** Hash inputs s(x) xor s(s(y)) xor i: with `delta`, four planes for the values 00, 01, 10, 11; without, one. */
export function pairInputs(
  x: Uint8Array,
  y: Uint8Array,
  delta: Uint8Array | null,
  out: Uint8Array,
  count: number,
  first: number,
): void {
  kernels().call.pairInputs(at(x), at(y), delta ? at(delta) : 0, at(out), count, first);
}

/**
 * Writes the rows of a chunk, and takes sigma of each element off its correction. x, y: zero labels; inputs, ciphers: y
 * and AES(y), four planes; values: four words.
 */
export function garblePair(
  x: Uint8Array,
  y: Uint8Array,
  inputs: Uint8Array,
  ciphers: Uint8Array,
  values: Uint32Array,
  rows: Uint8Array,
  corrections: Uint32Array,
): void {
  kernels().call.garblePair(
    ...[at(x), at(y), at(inputs), at(ciphers)],
    ...[at(values), at(rows), at(corrections), corrections.length],
  );
}

/** sums[e] += the word that the labels x[e], y[e] open. inputs, ciphers: y and AES(y). */
export function evaluatePair(
  x: Uint8Array,
  y: Uint8Array,
  inputs: Uint8Array,
  ciphers: Uint8Array,
  rows: Uint8Array,
  sums: Uint32Array,
): void {
  kernels().call.evaluatePair(at(x), at(y), at(inputs), at(ciphers), at(rows), at(sums), sums.length);
}
