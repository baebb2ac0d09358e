// Residues between SEAL's layout (u64 each), the transforms' (u32) and the wire's (packed bits).

/** out[i] (u32) = source[i] (u64), n a multiple of 4. */
export function narrow(source: usize, out: usize, n: i32): void {
  for (let i = 0; i < n; i += 4) {
    v128.store(out, v128.shuffle<i32>(v128.load(source), v128.load(source, 16), 0, 2, 4, 6));
    source += 32;
    out += 16;
  }
}

/** out[i] (u64) = source[i] (u32), n a multiple of 4. */
export function widen(source: usize, out: usize, n: i32): void {
  for (let i = 0; i < n; i += 4) {
    const words = v128.load(source);
    v128.store(out, i64x2.extend_low_i32x4_u(words));
    v128.store(out, i64x2.extend_high_i32x4_u(words), 16);
    source += 16;
    out += 32;
  }
}

/** The low `bits` bits of n u64 words, one after another without gaps; bits <= 56. The last byte is filled with zeros. */
export function packBits(source: usize, out: usize, n: i32, bits: i32): void {
  const mask = ((<u64>1) << bits) - 1;
  let pending: u64 = 0;
  let filled = 0;
  for (let i = 0; i < n; i++) {
    pending |= (load<u64>(source) & mask) << filled;
    source += 8;
    for (filled += bits; filled >= 8; filled -= 8) {
      store<u8>(out++, <u8>pending);
      pending >>= 8;
    }
  }
  if (filled > 0) store<u8>(out, <u8>pending);
}

/** The inverse of packBits: n u64 words. */
export function unpackBits(source: usize, out: usize, n: i32, bits: i32): void {
  const mask = ((<u64>1) << bits) - 1;
  let pending: u64 = 0;
  let filled = 0;
  for (let i = 0; i < n; i++) {
    for (; filled < bits; filled += 8) pending |= (<u64>load<u8>(source++)) << filled;
    store<u64>(out, pending & mask);
    out += 8;
    pending >>= bits;
    filled -= bits;
  }
}

/**
 * out[i] (u64) = x >> drop, rounded, for the x < p * q with residues x mod p = first[i] and x mod q = second[i]
 * (u64). `inverse`: 1/p mod q. p, q < 2^30.
 */
export function roundPair(
  first: usize, second: usize, out: usize, n: i32, p: u32, q: u32, inverse: u32, drop: i32,
): void {
  const half = ((<u64>1) << drop) >> 1;
  for (let i = 0; i < n; i++) {
    const a = load<u64>(first);
    const difference = load<u64>(second) + ((<u64>q) << 1) - a;
    const digit = ((difference % <u64>q) * <u64>inverse) % <u64>q;
    store<u64>(out, (a + digit * <u64>p + half) >> drop);
    first += 8;
    second += 8;
    out += 8;
  }
}

/** out[i] (u64) = source[i] (u64) << shift, mod q. */
export function shiftModulo(source: usize, out: usize, n: i32, q: u32, shift: i32): void {
  for (let i = 0; i < n; i++) {
    store<u64>(out, (load<u64>(source) << shift) % <u64>q);
    source += 8;
    out += 8;
  }
}
