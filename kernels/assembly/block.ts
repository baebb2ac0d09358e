// One 128-bit block: a wire label, hash input or output. Lane 0 is the low half; the colour bit is bit 0.

/** s(x) = (hi xor lo) || hi, a linear orthomorphism (Guo, Katz, Wang, Yu, S&P 2020, section 7.3). */
// @ts-ignore: decorator
@inline
export function sigma(x: v128): v128 {
  return v128.xor(v128.shuffle<i64>(x, x, 1, 0), v128.and(x, i64x2(0, -1)));
}

/** All ones if bit `bit` of the block's lowest word is set, else zero; without a branch. */
// @ts-ignore: decorator
@inline
export function maskOfBit(x: v128, bit: i32): v128 {
  const spread = i32x4.shr_s(i32x4.shl(x, 31 - bit), 31);
  return v128.shuffle<i32>(spread, spread, 0, 0, 0, 0);
}

/** The tweak of element `index` as a block. */
// @ts-ignore: decorator
@inline
export function tweak(index: u32): v128 {
  return i64x2.replace_lane(i64x2.splat(0), 0, <i64>index);
}
