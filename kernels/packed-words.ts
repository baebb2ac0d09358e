import { kernels } from './load.ts';

/** Words of fewer than 32 bits as they are sent, without gaps, the lowest bit first. All arrays lie in the kernel memory. */

/** Bytes that `unpackWords` may read behind the packed ones. */
export const PACKED_SLACK = 8;

/** out = the words of `source`, below 2^bits, packed; length of `source` times `bits` is a multiple of 32. */
export function packWords(source: Uint32Array, bits: number, out: Uint8Array): void {
  kernels().call.packWords(at(source), at(out), source.length, bits);
}

/** The inverse of packWords; PACKED_SLACK bytes behind `source` must be in the same scope. */
export function unpackWords(source: Uint8Array, bits: number, out: Uint32Array): void {
  kernels().call.unpackWords(at(source), at(out), out.length, bits);
}

/** The largest of the words, a multiple of four; in the same time for all of them. */
export function largestWord(words: Uint32Array): number {
  return kernels().call.largestWord(at(words), words.length) >>> 0;
}

const at = (view: ArrayBufferView) => kernels().memory.address(view);
