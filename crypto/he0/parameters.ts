import { createHash } from 'node:crypto';

/**
 * The one set of BFV parameters (protocol.md section 2): 109 bits of coefficient modulus at N = 4096 give 128-bit
 * security by the homomorphic encryption standard. Both parties compile them in; none is ever taken from a peer.
 */

/** N: coefficients of a polynomial. */
export const POLYNOMIAL = 4096;

/** Data primes; a fresh ciphertext is modulo all three, a returned one modulo the first two. */
export const DATA_PRIMES = [1073651713, 1073668097, 1073692673] as const;

/** Kept by SEAL for keys. */
export const KEY_PRIME = 417793;

/** Primes of a returned ciphertext. */
export const RETURNED_PRIMES = 2;

/** t = 2^32: plaintexts are shares. */
export const PLAIN_BITS = 32;

/** SHA-256 (hex) over all of it: part of what both parties agree on. */
export const PARAMETERS_HASH = createHash('sha256')
  .update(JSON.stringify(['bfv', POLYNOMIAL, DATA_PRIMES, KEY_PRIME, RETURNED_PRIMES, PLAIN_BITS]))
  .digest('hex');

/** Length of the seed from which SEAL expands the uniform half of a symmetric ciphertext (bytes). */
export const SEAL_SEED_BYTES = 64;

/** Wire length of one seeded fresh ciphertext: c0 modulo three primes, 4 bytes a residue, and the seed of c1. */
export const FRESH_CIPHERTEXT_BYTES = 4 * DATA_PRIMES.length * POLYNOMIAL + SEAL_SEED_BYTES;

/** Wire length of the public key: as a fresh ciphertext, modulo all four primes. */
export const PUBLIC_KEY_BYTES = 4 * (DATA_PRIMES.length + 1) * POLYNOMIAL + SEAL_SEED_BYTES;

/** Wire length of a returned ciphertext that carries `outputs` values: c1 whole, c0 where the outputs are. */
export function returnedCiphertextBytes(outputs: number): number {
  return 4 * RETURNED_PRIMES * (POLYNOMIAL + outputs);
}
