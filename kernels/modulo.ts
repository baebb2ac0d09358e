/** Constants for products modulo a prime in the kernels. All of it is public. */

/** A constant factor w < q, and floor(w * 2^32 / q) by which the kernels multiply without division (Shoup's product). */
export interface Factor {
  readonly value: number;
  readonly shoup: number;
}

/** The factor `value`, reduced, for products modulo q. */
export function factor(value: bigint, q: number): Factor {
  const reduced = Number(value % BigInt(q));
  return { value: reduced, shoup: shoupOf(reduced, q) };
}

/** floor(w * 2^32 / q). */
export function shoupOf(w: number, q: number): number {
  return Number((BigInt(w) << 32n) / BigInt(q));
}

/** 1 / value modulo the prime q (Fermat). */
export function inverseModulo(value: bigint, q: number): bigint {
  return power(value, BigInt(q - 2), BigInt(q));
}

/** base^exponent mod q. */
export function power(base: bigint, exponent: bigint, q: bigint): bigint {
  let result = 1n;
  let square = base % q;
  for (let e = exponent; e > 0n; e >>= 1n) {
    if (e & 1n) result = (result * square) % q;
    square = (square * square) % q;
  }
  return result;
}
