/** Polynomials modulo Q on the wire: the words of the first prime, then those of the second, 27 bits each. */
import { SphynxError } from '../../errors/sphynx-error.ts';
import { kernels } from '../../kernels/load.ts';
import { largestWord, PACKED_SLACK, packWords, unpackWords } from '../../kernels/packed-words.ts';
import { PRIMES, RESIDUE_BITS, RESIDUES_BYTES } from './parameters.ts';
import type { Residues } from './ring.ts';

/** Writes a polynomial, words below their primes, to the front of `wire`. */
export function writeResidues(polynomial: Residues, wire: Uint8Array): void {
  const { memory } = kernels();
  memory.scope(() => {
    const packed = memory.bytes(RESIDUES_BYTES);
    for (const [i, words] of polynomial.entries()) {
      packWords(words, RESIDUE_BITS, packed);
      wire.set(packed, i * RESIDUES_BYTES);
    }
  });
}

/** Reads the polynomial at the front of `wire`. Throws 'crypto/parameters' if a word is not below its prime. */
export function readResidues(wire: Uint8Array, out: Residues): void {
  const { memory } = kernels();
  memory.scope(() => {
    const packed = memory.bytes(RESIDUES_BYTES + PACKED_SLACK);
    for (const [i, words] of out.entries()) {
      packed.set(wire.subarray(i * RESIDUES_BYTES, (i + 1) * RESIDUES_BYTES));
      unpackWords(packed, RESIDUE_BITS, words);
      if (largestWord(words) >= PRIMES[i])
        throw new SphynxError(
          'crypto/parameters',
          `a key or ciphertext has a word that is not below the prime ${PRIMES[i]}: it was damaged, or its sender runs another version`,
        );
    }
  });
}

/** Throws 'crypto/parameters' unless there are as many bytes as expected. */
export function checkLength(what: string, got: number, expected: number): void {
  if (got !== expected)
    throw new SphynxError('crypto/parameters', `expected ${expected} bytes of ${what}, got ${got}`);
}
