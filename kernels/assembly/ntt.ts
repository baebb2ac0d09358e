// Negacyclic number-theoretic transforms over primes below 2^30, and sums of products in the transformed domain.
// Words are u32; between butterflies they stay below 4q (forward) or 2q (inverse), as in Harvey's lazy butterflies.

/** v * w - q * floor(v * ws / 2^32) in [0, 2q), for ws = floor(w * 2^32 / q): Shoup's product, four lanes. */
// @ts-ignore: decorator
@inline
function shoup(v: v128, w: v128, ws: v128, q: v128): v128 {
  const low = i64x2.extmul_low_i32x4_u(v, ws);
  const high = i64x2.extmul_high_i32x4_u(v, ws);
  return i32x4.sub(i32x4.mul(v, w), i32x4.mul(v128.shuffle<i32>(low, high, 1, 3, 5, 7), q));
}

// @ts-ignore: decorator
@inline
function shoupWord(v: u32, w: u32, ws: u32, q: u32): u32 {
  return v * w - <u32>((<u64>v * <u64>ws) >> 32) * q;
}

/** Subtracts m where the word is at least m (words below 2m). */
// @ts-ignore: decorator
@inline
function reduceOnce(v: v128, m: v128): v128 {
  return i32x4.min_u(v, i32x4.sub(v, m));
}

/** In place, natural to bit-reversed order; `twiddles`, `shoups`: powers of a 2n-th root, bit-reversed. Ends below q. */
export function nttForward(a: usize, n: i32, q: u32, twiddles: usize, shoups: usize): void {
  const prime = i32x4.splat(q);
  const twice = i32x4.splat(q << 1);
  let t = n;
  for (let m = 1; m < n; m <<= 1) {
    t >>= 1;
    const gap = <usize>t << 2;
    for (let i = 0; i < m; i++) {
      const w = load<u32>(twiddles + (<usize>(m + i) << 2));
      const ws = load<u32>(shoups + (<usize>(m + i) << 2));
      let p = a + (<usize>(2 * i * t) << 2);
      const end = p + gap;
      if (t >= 4) {
        const W = i32x4.splat(w);
        const WS = i32x4.splat(ws);
        while (p < end) {
          const u = reduceOnce(v128.load(p), twice);
          const r = shoup(v128.load(p + gap), W, WS, prime);
          v128.store(p, i32x4.add(u, r));
          v128.store(p + gap, i32x4.add(i32x4.sub(u, r), twice));
          p += 16;
        }
      } else {
        while (p < end) {
          const x = load<u32>(p);
          const u = min(x, x - (q << 1));
          const r = shoupWord(load<u32>(p + gap), w, ws, q);
          store<u32>(p, u + r);
          store<u32>(p + gap, u - r + (q << 1));
          p += 4;
        }
      }
    }
  }
  const end = a + (<usize>n << 2);
  for (let p = a; p < end; p += 16)
    v128.store(p, reduceOnce(reduceOnce(v128.load(p), twice), prime));
}

/** The inverse, bit-reversed to natural order, for words below 2q. `scale`, `scaleShoup`: 1/n. Ends below q. */
export function nttInverse(
  a: usize, n: i32, q: u32, twiddles: usize, shoups: usize, scale: u32, scaleShoup: u32,
): void {
  const prime = i32x4.splat(q);
  const twice = i32x4.splat(q << 1);
  let t = 1;
  for (let m = n >> 1; m > 0; m >>= 1) {
    const gap = <usize>t << 2;
    for (let i = 0; i < m; i++) {
      const w = load<u32>(twiddles + (<usize>(m + i) << 2));
      const ws = load<u32>(shoups + (<usize>(m + i) << 2));
      let p = a + (<usize>(2 * i * t) << 2);
      const end = p + gap;
      if (t >= 4) {
        const W = i32x4.splat(w);
        const WS = i32x4.splat(ws);
        while (p < end) {
          const u = v128.load(p);
          const v = v128.load(p + gap);
          v128.store(p, reduceOnce(i32x4.add(u, v), twice));
          v128.store(p + gap, shoup(i32x4.add(i32x4.sub(u, v), twice), W, WS, prime));
          p += 16;
        }
      } else {
        while (p < end) {
          const u = load<u32>(p);
          const v = load<u32>(p + gap);
          const sum = u + v;
          store<u32>(p, min(sum, sum - (q << 1)));
          store<u32>(p + gap, shoupWord(u - v + (q << 1), w, ws, q));
          p += 4;
        }
      }
    }
    t <<= 1;
  }
  const S = i32x4.splat(scale);
  const SS = i32x4.splat(scaleShoup);
  const end = a + (<usize>n << 2);
  for (let p = a; p < end; p += 16) v128.store(p, reduceOnce(shoup(v128.load(p), S, SS, prime), prime));
}

/** sums[i] (u64) += x[i] * y[i]. Sixteen products of words below 2^30 fit on top of nothing, fifteen on a reduced sum. */
export function multiplyAccumulate(x: usize, y: usize, sums: usize, n: i32): void {
  for (let i = 0; i < n; i += 4) {
    const a = v128.load(x);
    const b = v128.load(y);
    v128.store(sums, i64x2.add(v128.load(sums), i64x2.extmul_low_i32x4_u(a, b)));
    v128.store(sums, i64x2.add(v128.load(sums, 16), i64x2.extmul_high_i32x4_u(a, b)), 16);
    x += 16;
    y += 16;
    sums += 32;
  }
}

/** sums[i] (u64) mod q, in place. */
export function reduceSums(sums: usize, n: i32, q: u32): void {
  for (let i = 0; i < n; i++) {
    store<u64>(sums, load<u64>(sums) % <u64>q);
    sums += 8;
  }
}

/** out[i] (u32) = sums[i] (u64) mod q. */
export function sumsToWords(sums: usize, out: usize, n: i32, q: u32): void {
  for (let i = 0; i < n; i++) {
    store<u32>(out, <u32>(load<u64>(sums) % <u64>q));
    sums += 8;
    out += 4;
  }
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

/**
 * target[i] += noise[i] mod q, where noise[i] is the low bits + 1 bits of random[i] (u64) less 2^bits: uniform in
 * [-2^bits, 2^bits).
 */
export function addFlooding(target: usize, random: usize, n: i32, q: u32, bits: i32): void {
  const mask = ((<u64>1) << (bits + 1)) - 1;
  const offset = <u64>q - (((<u64>1) << bits) % <u64>q);
  for (let i = 0; i < n; i++) {
    const noise = (load<u64>(random) & mask) % <u64>q;
    store<u32>(target, <u32>((<u64>load<u32>(target) + noise + offset) % <u64>q));
    target += 4;
    random += 8;
  }
}
