import { InnerProduct } from '../../kernels/inner-product.ts';
import { kernels } from '../../kernels/load.ts';
import { PrimePair } from '../../kernels/moduli.ts';
import { NttPrime } from '../../kernels/ntt.ts';
import { DEGREE, PRIMES } from './parameters.ts';

/** A polynomial of N words in kernel memory, and one modulo Q: its residues modulo both primes. */
export type Words = Uint32Array<ArrayBuffer>;
export type Residues = readonly [Words, Words];

/** Both primes by index. */
export const BOTH = [0, 1] as const;

/** The arithmetic of Z_Q[X] / (X^N + 1). */
export interface Ring {
  /** Transforms modulo each prime. */
  readonly ntt: readonly NttPrime[];
  /** Products of transformed polynomials modulo each prime. */
  readonly products: readonly InnerProduct[];
  readonly pair: PrimePair;
}

let made: Ring | undefined;

/** The ring of this thread: its tables stay in the kernel memory. */
export function ring(): Ring {
  made ??= {
    ntt: PRIMES.map((q) => new NttPrime(q, DEGREE)),
    products: PRIMES.map((q) => new InnerProduct(q, DEGREE)),
    pair: new PrimePair(...PRIMES),
  };
  return made;
}

/**
 * Words between polynomials: without them, equal indices of all polynomials would map to one set of the processor's
 * cache.
 */
const GAP = 16;

/** Allocates a polynomial until the scope of kernel memory ends. */
export function newWords(): Words {
  return kernels()
    .memory.u32(DEGREE + GAP)
    .subarray(0, DEGREE);
}

/** Allocates a polynomial of signed words. */
export function newSigned(): Int32Array<ArrayBuffer> {
  return kernels().memory.i32(DEGREE);
}

/** Allocates a polynomial modulo both primes. */
export function newResidues(): Residues {
  return [newWords(), newWords()];
}

/** Copies a polynomial to kernel memory that is kept for the lifetime of this thread. */
export function keepResidues([first, second]: Residues): Residues {
  return [keepWords(first), keepWords(second)];
}

function keepWords(words: Words): Words {
  const { buffer, byteOffset } = kernels().memory.keep(4 * (words.length + GAP));
  const kept = new Uint32Array(buffer, byteOffset, words.length);
  kept.set(words);
  return kept;
}

/** out = the transforms of small signed coefficients. */
export function transformSigned(coefficients: Int32Array, out: Residues): void {
  const { ntt } = ring();
  for (const i of BOTH) {
    ntt[i].liftSigned(coefficients, out[i]);
    ntt[i].forward(out[i]);
  }
}
