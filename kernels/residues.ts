import { kernels } from './load.ts';

/**
 * Residues between SEAL's layout (64-bit words), the transforms' (32-bit words) and the wire's (packed bits).
 * All arrays lie in the kernel memory; 64-bit words are given as bytes, little-endian.
 */

const at = (view: ArrayBufferView) => kernels().memory.address(view);

/** out = the 64-bit words of `source`, as 32-bit words; their number is a multiple of 4. */
export function narrow(source: Uint8Array, out: Uint32Array): void {
  kernels().call.narrow(at(source), at(out), out.length);
}

/** out = the words of `source` as 64-bit words; their number is a multiple of 4. */
export function widen(source: Uint32Array, out: Uint8Array): void {
  kernels().call.widen(at(source), at(out), source.length);
}

/** out = the low `bits` <= 56 bits of `count` 64-bit words, without gaps: ceil(count * bits / 8) bytes. */
export function packBits(source: Uint8Array, count: number, bits: number, out: Uint8Array): void {
  kernels().call.packBits(at(source), at(out), count, bits);
}

/** The inverse of packBits. */
export function unpackBits(source: Uint8Array, count: number, bits: number, out: Uint8Array): void {
  kernels().call.unpackBits(at(source), at(out), count, bits);
}

/** Two primes p, q < 2^30 and the numbers below p * q, held as pairs of residues. */
export class PrimePair {
  readonly p: number;
  readonly q: number;
  readonly #inverse: number;

  constructor(p: number, q: number) {
    this.p = p;
    this.q = q;
    this.#inverse = inverse(BigInt(p), BigInt(q));
  }

  /** out = the numbers with residues `first` mod p and `second` mod q, less their low `drop` bits, rounded; all 64-bit words. */
  round(first: Uint8Array, second: Uint8Array, drop: number, out: Uint8Array): void {
    const { p, q } = this;
    kernels().call.roundPair(at(first), at(second), at(out), out.length / 8, p, q, this.#inverse, drop);
  }

  /** The residues of `source` * 2^shift; all 64-bit words, source * 2^shift below 2^64. */
  shift(source: Uint8Array, shift: number, first: Uint8Array, second: Uint8Array): void {
    kernels().call.shiftModulo(at(source), at(first), source.length / 8, this.p, shift);
    kernels().call.shiftModulo(at(source), at(second), source.length / 8, this.q, shift);
  }
}

/** 1 / p mod the prime q, by Fermat. */
function inverse(p: bigint, q: bigint): number {
  let result = 1n;
  let square = p % q;
  for (let e = q - 2n; e > 0n; e >>= 1n) {
    if (e & 1n) result = (result * square) % q;
    square = (square * square) % q;
  }
  return Number(result);
}
