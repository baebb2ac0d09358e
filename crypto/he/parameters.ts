import { sha256Hex } from '#platform/digest';

/**
 * The one set of ring-LWE parameters (docs/protocol.md, section 2.2), compiled into both parties and never taken
 * from a peer. Polynomials are modulo X^N + 1 and Q, the product of two primes: 54 bits at N = 4096, half of the 109
 * that the homomorphic encryption standard allows for 128-bit security with a ternary secret. All lengths on the wire
 * follow.
 */

/** N: coefficients of a polynomial. */
export const DEGREE = 4096;

/** The two largest primes below 2^27 that are 1 mod 2N. */
export const PRIMES = [134111233, 134176769] as const;

/** Bits of a residue on the wire. */
export const RESIDUE_BITS = 27;

/** log2 t: plaintexts are words mod 2^32, and so are the coefficients of returned ciphertexts. */
const PLAIN_BITS = 32;

/** Errors are the ones among so many bits, less the ones among as many others. */
const ERROR_BITS = 21;

/** SHA-256 (hex) over all of it: part of what both parties agree on. */
export const PARAMETERS_HASH = sha256Hex(
  JSON.stringify(['rlwe', DEGREE, PRIMES, PLAIN_BITS, 'ternary', ERROR_BITS]),
);

/** Seed from which a uniformly random polynomial is expanded (bytes): an AES-128 key. */
export const SEED_BYTES = 16;

/** One polynomial modulo one prime, packed (bytes). */
export const RESIDUES_BYTES = (DEGREE * RESIDUE_BITS) / 8;

/** The client's half of the public key: a polynomial modulo both primes. */
export const PUBLIC_KEY_BYTES = PRIMES.length * RESIDUES_BYTES;

/** A fresh ciphertext: c0 modulo both primes. The c1 of all ciphertexts of a tensor come from one seed, SEED_BYTES before them. */
export const INPUT_CIPHERTEXT_BYTES = PRIMES.length * RESIDUES_BYTES;

/** A returned ciphertext: c1 whole and the `kept` coefficients of c0 that carry outputs, as 32-bit words. */
export function outputCiphertextBytes(kept: number): number {
  return 4 * (DEGREE + kept);
}
