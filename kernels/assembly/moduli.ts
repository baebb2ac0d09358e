// Between words mod 2^32 and residues modulo two primes, without division or branches. n is a multiple of 4.

import { highWords, reduceOnce, shoup } from './modulo';

/** out[i] = words[i] mod q, below 2q, for any u32 words. `oneShoup`: floor(2^32 / q). */
export function reduceWords(words: usize, out: usize, n: i32, q: u32, oneShoup: u32): void {
  const prime = i32x4.splat(q);
  const OS = i32x4.splat(oneShoup);
  const end = words + (<usize>n << 2);
  for (; words < end; words += 16, out += 16)
    v128.store(out, shoup(v128.load(words), i32x4.splat(1), OS, prime));
}

/**
 * out[i] = round(Q * words[i] / 2^32) + errors[i] mod q, below 4q, for a prime q that divides Q and |errors[i]| < q / 2. With
 * v = -Q * word mod 2^32, Q * word + v is a multiple of 2^32 and its quotient is v / 2^32 mod q, which is the value
 * rounded up; that is one too many where v >= 2^31. `minus`: -Q mod 2^32; `unit`, `unitShoup`: 1 / 2^32 mod q.
 */
export function scaleUp(
  words: usize, errors: usize, out: usize, n: i32, q: u32, minus: u32, unit: u32, unitShoup: u32,
): void {
  const prime = i32x4.splat(q);
  const M = i32x4.splat(minus);
  const U = i32x4.splat(unit);
  const US = i32x4.splat(unitShoup);
  const end = words + (<usize>n << 2);
  for (; words < end; words += 16, errors += 16, out += 16) {
    const v = i32x4.mul(v128.load(words), M);
    const small = i32x4.add(i32x4.add(v128.load(errors), i32x4.shr_s(v, 31)), prime);
    v128.store(out, i32x4.add(shoup(v, U, US, prime), small));
  }
}

/**
 * out[i] = x * 2^32 / (p * q) mod 2^32, rounded, for the x mod p * q with residues x mod p = first[i] and x mod q =
 * second[i]. x / (p * q) = a / p + b / q mod 1 with a = x / q mod p and b = x / p mod q. `constants` (u32): p, 1/q mod p and its
 * Shoup factor, the low and the high half of 2^64 / p; then the same with p and q exchanged.
 */
export function scaleDown(first: usize, second: usize, out: usize, n: i32, constants: usize): void {
  const p = v128.load32_splat(constants);
  const w = v128.load32_splat(constants, 4);
  const ws = v128.load32_splat(constants, 8);
  const low = v128.load32_splat(constants, 12);
  const high = v128.load32_splat(constants, 16);
  const q = v128.load32_splat(constants, 20);
  const v = v128.load32_splat(constants, 24);
  const vs = v128.load32_splat(constants, 28);
  const qLow = v128.load32_splat(constants, 32);
  const qHigh = v128.load32_splat(constants, 36);
  const half = i64x2.splat(0x80000000);
  const end = first + (<usize>n << 2);
  for (; first < end; first += 16, second += 16, out += 16) {
    const a = reduceOnce(shoup(v128.load(first), w, ws, p), p);
    const b = reduceOnce(shoup(v128.load(second), v, vs, q), q);
    const one = i64x2.add(i64x2.extmul_low_i32x4_u(a, low), i64x2.extmul_low_i32x4_u(b, qLow));
    const two = i64x2.add(i64x2.extmul_high_i32x4_u(a, low), i64x2.extmul_high_i32x4_u(b, qLow));
    const carried = highWords(i64x2.add(one, half), i64x2.add(two, half));
    const whole = i32x4.add(i32x4.mul(a, high), i32x4.mul(b, qHigh));
    v128.store(out, i32x4.add(whole, carried));
  }
}

/**
 * out[i] = x mod 2^32 for the integer x, |x| < p * q / 4, with residues x mod p = first[i] and x mod q = second[i], words below
 * their primes. x is first + p * d or that less p * q, with d = (second - first) / p mod q. `inverse`, `inverseShoup`: 1 / p mod q.
 */
export function joinResidues(
  first: usize, second: usize, out: usize, n: i32, p: u32, q: u32, inverse: u32, inverseShoup: u32,
): void {
  const P = i32x4.splat(p);
  const Q = i32x4.splat(q);
  const offset = i32x4.splat(q << 1);
  const I = i32x4.splat(inverse);
  const IS = i32x4.splat(inverseShoup);
  const half = i32x4.splat(q >> 1);
  const product = i32x4.splat(p * q);
  const end = first + (<usize>n << 2);
  for (; first < end; first += 16, second += 16, out += 16) {
    const r = v128.load(first);
    const difference = i32x4.sub(i32x4.add(v128.load(second), offset), r);
    const d = reduceOnce(shoup(difference, I, IS, Q), Q);
    const wrap = v128.and(i32x4.gt_s(d, half), product);
    v128.store(out, i32x4.sub(i32x4.add(r, i32x4.mul(P, d)), wrap));
  }
}
