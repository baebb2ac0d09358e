// Sums of pointwise products in the transformed domain.

import { highWords, lowWords, reduceOnce, shoup } from './modulo';

/**
 * out[i] = sum over j of x_j[i] * y_j[i] mod q, below q. `terms`: the addresses of x_0, y_0, x_1, y_1, ... (u32), `count`
 * pairs of polynomials of n words below 2^27; n is a multiple of 16, and 2^10 products fit 64 bits. A line of 16
 * words is summed over all terms in registers. A sum high * 2^32 + low is reduced as high * (2^32 mod q) + low:
 * `power`, `powerShoup` belong to 2^32 mod q, `oneShoup` to 1.
 */
export function innerProduct(
  terms: usize, count: i32, out: usize, n: i32, q: u32, power: u32, powerShoup: u32, oneShoup: u32,
): void {
  const prime = i32x4.splat(q);
  const P = i32x4.splat(power);
  const PS = i32x4.splat(powerShoup);
  const ONE = i32x4.splat(1);
  const OS = i32x4.splat(oneShoup);
  const termsEnd = terms + (<usize>count << 3);
  const end = <usize>n << 2;
  for (let at: usize = 0; at < end; at += 64) {
    let s0 = i64x2.splat(0);
    let s1 = i64x2.splat(0);
    let s2 = i64x2.splat(0);
    let s3 = i64x2.splat(0);
    let s4 = i64x2.splat(0);
    let s5 = i64x2.splat(0);
    let s6 = i64x2.splat(0);
    let s7 = i64x2.splat(0);
    for (let term = terms; term < termsEnd; term += 8) {
      const x = <usize>load<u32>(term) + at;
      const y = <usize>load<u32>(term, 4) + at;
      let a = v128.load(x);
      let b = v128.load(y);
      s0 = i64x2.add(s0, i64x2.extmul_low_i32x4_u(a, b));
      s1 = i64x2.add(s1, i64x2.extmul_high_i32x4_u(a, b));
      a = v128.load(x, 16);
      b = v128.load(y, 16);
      s2 = i64x2.add(s2, i64x2.extmul_low_i32x4_u(a, b));
      s3 = i64x2.add(s3, i64x2.extmul_high_i32x4_u(a, b));
      a = v128.load(x, 32);
      b = v128.load(y, 32);
      s4 = i64x2.add(s4, i64x2.extmul_low_i32x4_u(a, b));
      s5 = i64x2.add(s5, i64x2.extmul_high_i32x4_u(a, b));
      a = v128.load(x, 48);
      b = v128.load(y, 48);
      s6 = i64x2.add(s6, i64x2.extmul_low_i32x4_u(a, b));
      s7 = i64x2.add(s7, i64x2.extmul_high_i32x4_u(a, b));
    }
    v128.store(out + at, reduceWide(s0, s1, prime, P, PS, ONE, OS));
    v128.store(out + at, reduceWide(s2, s3, prime, P, PS, ONE, OS), 16);
    v128.store(out + at, reduceWide(s4, s5, prime, P, PS, ONE, OS), 32);
    v128.store(out + at, reduceWide(s6, s7, prime, P, PS, ONE, OS), 48);
  }
}

/** Four u64 words mod q, below q: both halves are below 2q after their products. */
// @ts-ignore: decorator
@inline
function reduceWide(low: v128, high: v128, q: v128, p: v128, ps: v128, one: v128, os: v128): v128 {
  const upper = shoup(highWords(low, high), p, ps, q);
  const lower = shoup(lowWords(low, high), one, os, q);
  const sum = i32x4.add(upper, lower);
  return reduceOnce(reduceOnce(sum, i32x4.shl(q, 1)), q);
}
