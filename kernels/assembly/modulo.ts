// Four residues at once, without division, branches or tables: the same instructions for all values.

/** v * w mod q in [0, 2q), for any word v and ws = floor(w * 2^32 / q), w < q: Shoup's product. */
// @ts-ignore: decorator
@inline
export function shoup(v: v128, w: v128, ws: v128, q: v128): v128 {
  const low = i64x2.extmul_low_i32x4_u(v, ws);
  const high = i64x2.extmul_high_i32x4_u(v, ws);
  return i32x4.sub(i32x4.mul(v, w), i32x4.mul(highWords(low, high), q));
}

/** Subtracts m where the word is at least m (words below 2m). */
// @ts-ignore: decorator
@inline
export function reduceOnce(v: v128, m: v128): v128 {
  return i32x4.min_u(v, i32x4.sub(v, m));
}

/** The upper halves of four u64 words. */
// @ts-ignore: decorator
@inline
export function highWords(low: v128, high: v128): v128 {
  return v128.shuffle<i32>(low, high, 1, 3, 5, 7);
}

/** The lower halves of four u64 words. */
// @ts-ignore: decorator
@inline
export function lowWords(low: v128, high: v128): v128 {
  return v128.shuffle<i32>(low, high, 0, 2, 4, 6);
}
