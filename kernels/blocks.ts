import { kernels } from './load.ts';

/**
 * Passes over arrays of 128-bit blocks (16 bytes each: labels, keys, hash inputs). Arrays must lie in the
 * kernel memory; counts are taken from the first array.
 */

/** Length of a block (bytes). */
export const BLOCK_BYTES = 16;

const at = (view: ArrayBufferView) => kernels().memory.address(view);
const blocks = (view: Uint8Array) => view.length / BLOCK_BYTES;

/** out[e] = s(x[e]) xor (first + e), with s(hi || lo) = (hi xor lo) || hi. */
export function hashInputs(x: Uint8Array, out: Uint8Array, first: number): void {
  kernels().call.hashInputs(at(x), at(out), blocks(x), first);
}

/** target[i] ^= source[i]. */
export function xorBlocks(target: Uint8Array, source: Uint8Array): void {
  kernels().call.xorBlocks(at(target), at(source), blocks(target));
}

/** target[i] ^= block where bit `bit` of words[i] is set; in constant time. */
export function xorWhere(target: Uint8Array, words: Uint32Array, bit: number, block: Uint8Array): void {
  kernels().call.xorWhere(at(target), at(words), bit, at(block), blocks(target));
}

/** target[i] ^= block. */
export function xorEach(target: Uint8Array, block: Uint8Array): void {
  kernels().call.xorEach(at(target), at(block), blocks(target));
}

/** target[i] ^= source[i] where choices[i] is 1; in constant time for choices 0 and 1, one byte per block. */
export function xorChosen(target: Uint8Array, choices: Uint8Array, source: Uint8Array): void {
  kernels().call.xorChosen(at(target), at(choices), at(source), blocks(target));
}
