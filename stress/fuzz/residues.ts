import { DEGREE, PRIMES, RESIDUE_BITS, RESIDUES_BYTES } from '../../crypto/he/parameters.ts';

/** Whether a polynomial on the wire has a word that is not below its prime: one polynomial per prime, the lowest bit of the first word first. */
export function hasWordBeyondPrime(polynomial: Uint8Array): boolean {
  return PRIMES.some((prime, i) => {
    const words = polynomial.subarray(i * RESIDUES_BYTES, (i + 1) * RESIDUES_BYTES);
    return [...Array(DEGREE).keys()].some((j) => wordAt(words, RESIDUE_BITS * j) >= prime);
  });
}

/** The word that begins with bit `bit`. It lies in 5 bytes, which a number holds exactly. */
function wordAt(bytes: Uint8Array, bit: number): number {
  const first = bit >> 3;
  let whole = 0;
  for (let k = 0; k < 5; k++) whole += (bytes[first + k] ?? 0) * 2 ** (8 * k);
  return Math.floor(whole / 2 ** (bit & 7)) % 2 ** RESIDUE_BITS;
}
