// Words of fewer than 32 bits as they are sent: bits one after another without gaps, the lowest first.

/** Packs the low `bits` of n u32 words; n * bits is a multiple of 32. */
export function packWords(source: usize, out: usize, n: i32, bits: i32): void {
  let pending: u64 = 0;
  let filled = 0;
  for (let i = 0; i < n; i++) {
    pending |= (<u64>load<u32>(source)) << filled;
    source += 4;
    filled += bits;
    if (filled >= 32) {
      store<u32>(out, <u32>pending);
      out += 4;
      pending >>= 32;
      filled -= 32;
    }
  }
}

/** Unpacks n words of `bits` bits, at most 32; reads up to 8 bytes past their end. */
export function unpackWords(source: usize, out: usize, n: i32, bits: i32): void {
  const mask = ((<u64>1) << bits) - 1;
  let at: u32 = 0;
  for (let i = 0; i < n; i++) {
    store<u32>(out, <u32>((load<u64>(source + (at >> 3)) >> (at & 7)) & mask));
    at += bits;
    out += 4;
  }
}

/** The largest of n u32 words, n a multiple of 4. */
export function largestWord(words: usize, n: i32): u32 {
  let most = i32x4.splat(0);
  const end = words + (<usize>n << 2);
  for (; words < end; words += 16) most = i32x4.max_u(most, v128.load(words));
  most = i32x4.max_u(most, v128.shuffle<i64>(most, most, 1, 0));
  most = i32x4.max_u(most, v128.shuffle<i32>(most, most, 1, 0, 3, 2));
  return i32x4.extract_lane(most, 0);
}
