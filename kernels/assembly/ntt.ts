// Negacyclic number-theoretic transforms over primes below 2^30. Words are u32; between butterflies they stay below
// 4q (forward) or 2q (inverse), as in Harvey's lazy butterflies. No branch and no address depends on a word.

import { reduceOnce, shoup } from './modulo';

/** In place, natural to bit-reversed order; `twiddles`, `shoups`: powers of a 2n-th root, bit-reversed. n >= 8. Ends below q. */
export function nttForward(a: usize, n: i32, q: u32, twiddles: usize, shoups: usize): void {
  const prime = i32x4.splat(q);
  const twice = i32x4.splat(q << 1);
  let t = n >> 1;
  let m = 1;
  for (; t >= 4; t >>= 1, m <<= 1) {
    const gap = <usize>t << 2;
    let p = a;
    for (let i = 0; i < m; i++) {
      const W = v128.load32_splat(twiddles + (<usize>(m + i) << 2));
      const WS = v128.load32_splat(shoups + (<usize>(m + i) << 2));
      const end = p + gap;
      for (; p < end; p += 16) {
        const u = reduceOnce(v128.load(p), twice);
        const r = shoup(v128.load(p + gap), W, WS, prime);
        v128.store(p, i32x4.add(u, r));
        v128.store(p + gap, i32x4.add(i32x4.sub(u, r), twice));
      }
      p += gap;
    }
  }
  // The strides 2 and 1 stay within two vectors: two groups of four words, then four of two.
  let pairs = <usize>m << 2;
  let singles = <usize>m << 3;
  const end = a + (<usize>n << 2);
  for (let p = a; p < end; p += 32, pairs += 8, singles += 16) {
    const x = v128.load(p);
    const y = v128.load(p, 16);
    let u = reduceOnce(v128.shuffle<i32>(x, y, 0, 1, 4, 5), twice);
    let r = v128.shuffle<i32>(x, y, 2, 3, 6, 7);
    r = shoup(r, twoTwice(twiddles + pairs), twoTwice(shoups + pairs), prime);
    const low = i32x4.add(u, r);
    const high = i32x4.add(i32x4.sub(u, r), twice);
    u = reduceOnce(v128.shuffle<i32>(low, high, 0, 2, 4, 6), twice);
    r = v128.shuffle<i32>(low, high, 1, 3, 5, 7);
    r = shoup(r, fourCrossed(twiddles + singles), fourCrossed(shoups + singles), prime);
    const even = reduceOnce(reduceOnce(i32x4.add(u, r), twice), prime);
    const odd = reduceOnce(reduceOnce(i32x4.add(i32x4.sub(u, r), twice), twice), prime);
    v128.store(p, v128.shuffle<i32>(even, odd, 0, 4, 2, 6));
    v128.store(p, v128.shuffle<i32>(even, odd, 1, 5, 3, 7), 16);
  }
}

/** The inverse, bit-reversed to natural order, for words below 2q. `scale`, `scaleShoup`: 1/n. n >= 8. Ends below q. */
export function nttInverse(
  a: usize, n: i32, q: u32, twiddles: usize, shoups: usize, scale: u32, scaleShoup: u32,
): void {
  const prime = i32x4.splat(q);
  const twice = i32x4.splat(q << 1);
  const end = a + (<usize>n << 2);
  // The strides 1 and 2, the way back of the forward transform's last two.
  let singles = <usize>n << 1;
  let pairs = <usize>n;
  for (let p = a; p < end; p += 32, singles += 16, pairs += 8) {
    const x = v128.load(p);
    const y = v128.load(p, 16);
    let u = v128.shuffle<i32>(x, y, 0, 4, 2, 6);
    let v = v128.shuffle<i32>(x, y, 1, 5, 3, 7);
    const even = reduceOnce(i32x4.add(u, v), twice);
    v = i32x4.add(i32x4.sub(u, v), twice);
    const odd = shoup(v, fourCrossed(twiddles + singles), fourCrossed(shoups + singles), prime);
    u = v128.shuffle<i32>(even, odd, 0, 4, 1, 5);
    v = v128.shuffle<i32>(even, odd, 2, 6, 3, 7);
    const low = reduceOnce(i32x4.add(u, v), twice);
    v = i32x4.add(i32x4.sub(u, v), twice);
    const high = shoup(v, twoTwice(twiddles + pairs), twoTwice(shoups + pairs), prime);
    v128.store(p, v128.shuffle<i32>(low, high, 0, 1, 4, 5));
    v128.store(p, v128.shuffle<i32>(low, high, 2, 3, 6, 7), 16);
  }
  for (let m = n >> 3, t = 4; m > 0; m >>= 1, t <<= 1) {
    const gap = <usize>t << 2;
    let p = a;
    for (let i = 0; i < m; i++) {
      const W = v128.load32_splat(twiddles + (<usize>(m + i) << 2));
      const WS = v128.load32_splat(shoups + (<usize>(m + i) << 2));
      const middle = p + gap;
      for (; p < middle; p += 16) {
        const u = v128.load(p);
        const v = v128.load(p + gap);
        v128.store(p, reduceOnce(i32x4.add(u, v), twice));
        v128.store(p + gap, shoup(i32x4.add(i32x4.sub(u, v), twice), W, WS, prime));
      }
      p += gap;
    }
  }
  const S = i32x4.splat(scale);
  const SS = i32x4.splat(scaleShoup);
  for (let p = a; p < end; p += 16) v128.store(p, reduceOnce(shoup(v128.load(p), S, SS, prime), prime));
}

/** Two words, each in two neighbouring lanes. */
// @ts-ignore: decorator
@inline
function twoTwice(words: usize): v128 {
  const two = v128.load64_zero(words);
  return v128.shuffle<i32>(two, two, 0, 0, 1, 1);
}

/** Four words, those in the middle exchanged. */
// @ts-ignore: decorator
@inline
function fourCrossed(words: usize): v128 {
  const four = v128.load(words);
  return v128.shuffle<i32>(four, four, 0, 2, 1, 3);
}

/** out[i] = values[i] mod q for signed values of less than q in magnitude. */
export function liftSigned(values: usize, out: usize, n: i32, q: u32): void {
  const prime = i32x4.splat(q);
  for (let i = 0; i < n; i += 4) {
    const v = v128.load(values);
    v128.store(out, i32x4.add(v, v128.and(i32x4.shr_s(v, 31), prime)));
    values += 16;
    out += 16;
  }
}

/** target[i] = target[i] + source[i] mod q, words below q. */
export function addModulo(target: usize, source: usize, n: i32, q: u32): void {
  const prime = i32x4.splat(q);
  for (let i = 0; i < n; i += 4) {
    v128.store(target, reduceOnce(i32x4.add(v128.load(target), v128.load(source)), prime));
    target += 16;
    source += 16;
  }
}
