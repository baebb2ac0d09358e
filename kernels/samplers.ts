import { kernels } from './load.ts';

/** Random polynomials [n] from random bytes, all in kernel memory. The secret ones take the same time for all bytes. */

/** Random bytes that `sampleTernary` and `sampleBinomial` use per coefficient. */
export const TERNARY_BYTES = 2;
export const BINOMIAL_BYTES = 6;

/**
 * Coefficients in {-1, 0, 1}: four digits in base 3 of every 64 bits, so any four have a probability within 2^-64 of
 * 3^-4. n is a multiple of 16; random: TERNARY_BYTES * n bytes.
 */
export function sampleTernary(random: Uint8Array, out: Int32Array): void {
  kernels().call.sampleTernary(at(random), at(out), out.length);
}

/**
 * Centred binomial coefficients: ones among 21 bits less ones among 21 others, in -21..21, standard deviation 3.24. n is a
 * multiple of 4; random: BINOMIAL_BYTES * n bytes.
 */
export function sampleBinomial(random: Uint8Array, out: Int32Array): void {
  kernels().call.sampleBinomial(at(random), at(out), out.length);
}

/**
 * Appends random words below q to `out`, by rejection: the low bits, as many as q has, of each word of `random`. For
 * public polynomials only. Returns how many words were written, at most the length of `out`.
 */
export function sampleBelow(random: Uint32Array, out: Uint32Array, q: number): number {
  const bits = 32 - Math.clz32(q);
  return kernels().call.sampleBelow(at(random), random.length, at(out), out.length, q, bits);
}

const at = (view: ArrayBufferView) => kernels().memory.address(view);
