// Random polynomials from random bytes. Ternary and binomial ones are secret: the same instructions for all bytes.

/**
 * out[i] (i32) in -1, 0, 1, n words from n / 4 random u64 words w: the first digits of w / 2^64 in base 3, less 1. A
 * digit is the carry of a multiplication by 3. Digit d of word i stands at d * n / 4 + i; n is a multiple of 16.
 */
export function sampleTernary(random: usize, out: usize, n: i32): void {
  const quarter = <usize>n;
  for (let i: usize = 0; i < quarter; i += 16) {
    let x = v128.load(random);
    let y = v128.load(random, 16);
    for (let at = out + i; at < out + (quarter << 2); at += quarter) {
      const digits = v128.shuffle<i32>(tripleCarry(x), tripleCarry(y), 0, 2, 4, 6);
      v128.store(at, i32x4.sub(digits, i32x4.splat(1)));
      x = i64x2.add(x, i64x2.shl(x, 1));
      y = i64x2.add(y, i64x2.shl(y, 1));
    }
    random += 32;
  }
}

/** floor(3 x / 2^64) for two u64 words x. */
// @ts-ignore: decorator
@inline
function tripleCarry(x: v128): v128 {
  const low = v128.and(x, i64x2.splat(0xffffffff));
  const high = i64x2.shr_u(x, 32);
  const carry = i64x2.shr_u(i64x2.add(low, i64x2.shl(low, 1)), 32);
  return i64x2.shr_u(i64x2.add(i64x2.add(high, i64x2.shl(high, 1)), carry), 32);
}

/**
 * out[i] (i32) = ones among 21 bits less ones among 21 others, n words from n u32 words and behind them n u16 words: a
 * centred binomial of standard deviation sqrt(42) / 2 = 3.24. n is a multiple of 4.
 */
export function sampleBinomial(random: usize, out: usize, n: i32): void {
  let halves = random + (<usize>n << 2);
  for (let i = 0; i < n; i += 4) {
    const word = v128.load(random);
    const half = v128.load16x4_u(halves);
    const first = ones(v128.and(word, i32x4.splat(0x1fffff)));
    const second = ones(v128.or(i32x4.shr_u(word, 21), i32x4.shl(v128.and(half, i32x4.splat(0x3ff)), 11)));
    v128.store(out, i32x4.sub(first, second));
    random += 16;
    halves += 8;
    out += 16;
  }
}

/** Number of ones in each u32 word. */
// @ts-ignore: decorator
@inline
function ones(x: v128): v128 {
  return i32x4.extadd_pairwise_i16x8_u(i16x8.extadd_pairwise_i8x16_u(i8x16.popcnt(x)));
}

/**
 * Appends the low `bits` of random u32 words to out, those that are below q, until `room` words are written; returns how
 * many were. For public polynomials: its time tells which words were left out.
 */
export function sampleBelow(random: usize, count: i32, out: usize, room: i32, q: u32, bits: i32): i32 {
  const mask: u32 = (1 << bits) - 1;
  let written = 0;
  for (let i = 0; i < count && written < room; i++) {
    const word = load<u32>(random) & mask;
    store<u32>(out + (<usize>written << 2), word);
    written += <i32>(word < q);
    random += 4;
  }
  return written;
}
