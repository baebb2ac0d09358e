import { sha256Hex } from '../../edge/digest.ts';

/**
 * The one set of BFV parameters (protocol.md section 2), compiled into both parties and never taken from a peer:
 * 109 bits of coefficient modulus at N = 4096 give 128-bit security by the homomorphic encryption standard. All
 * lengths on the wire follow.
 */

/** N: coefficients of a polynomial. */
export const DEGREE = 4096;

/** A fresh ciphertext is modulo all three, a returned one modulo the first two. */
export const DATA_PRIMES = [1073651713, 1073668097, 1073692673] as const;

/** SEAL keeps it for keys and for public-key encryption. */
export const KEY_PRIME = 417793;

export const RETURN_PRIMES = 2;

/** log2 t: plaintexts are shares mod 2^32. */
export const PLAIN_BITS = 32;

/** Bits of a residue: all primes are below 2^30. */
export const RESIDUE_BITS = 30;

/** Low bits that the coefficients of a returned ciphertext lose, and bits that are left: see `noise.ts`. */
export const DROPPED_BITS = 18;
export const RETURNED_BITS = RETURN_PRIMES * RESIDUE_BITS - DROPPED_BITS;

/** SHA-256 (hex) over all of it: part of what both parties agree on. */
export const PARAMETERS_HASH = parametersHash(
  'bfv',
  DEGREE,
  [...DATA_PRIMES, KEY_PRIME],
  2n ** BigInt(PLAIN_BITS),
);

/** The hash of any parameters, for comparison with the pinned ones. */
export function parametersHash(scheme: string, degree: number, primes: readonly number[], t: bigint): string {
  const pinned = [scheme, degree, primes, String(t), RETURN_PRIMES, DROPPED_BITS];
  return sha256Hex(JSON.stringify(pinned));
}

/** Bytes of `count` values of `bits` bits each, packed without gaps. */
export function packedBytes(count: number, bits: number): number {
  return Math.ceil((count * bits) / 8);
}

/** Seed from which SEAL expands the uniformly random half of a fresh ciphertext or public key (bytes). */
export const SEED_BYTES = 64;

/** A fresh ciphertext: c0 prime by prime, and the seed of c1. */
export const INPUT_CIPHERTEXT_BYTES = DATA_PRIMES.length * packedBytes(DEGREE, RESIDUE_BITS) + SEED_BYTES;

/** The public key likewise, modulo all four primes. */
export const PUBLIC_KEY_BYTES = (DATA_PRIMES.length + 1) * packedBytes(DEGREE, RESIDUE_BITS) + SEED_BYTES;

/** A returned ciphertext: c1 whole, and the `kept` coefficients of c0 that carry outputs. */
export function outputCiphertextBytes(kept: number): number {
  return packedBytes(DEGREE, RETURNED_BITS) + packedBytes(kept, RETURNED_BITS);
}
