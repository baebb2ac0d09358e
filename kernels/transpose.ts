import { BLOCK_BYTES } from './blocks.ts';
import { kernels } from './load.ts';

/** Bit matrices of oblivious transfer extension: 128 rows of whole blocks, in kernel memory. */

/** Rows of the matrix: base OTs. */
export const MATRIX_ROWS = 128;

const at = (view: ArrayBufferView) => kernels().memory.address(view);

/** target ^= source if `choice` is 1; in constant time for `choice` 0 or 1. Whole blocks. */
export function xorIf(choice: number, target: Uint8Array, source: Uint8Array): void {
  kernels().call.xorMasked(at(target), at(source), -choice, target.length / BLOCK_BYTES);
}

/** The transposed matrix: one block of 128 bits per column. Bit i of a row is bit i % 8 of its byte i / 8. */
export function transpose(matrix: Uint8Array, out: Uint8Array): void {
  kernels().call.transpose128(at(matrix), at(out), matrix.length / MATRIX_ROWS);
}
