// Bit matrices of oblivious transfer extension: 128 rows, one per base OT, and one column per transfer.

/** target[i] ^= source[i] and mask, blocks; mask is all zeros (0) or all ones (-1). */
export function xorMasked(target: usize, source: usize, mask: i32, count: i32): void {
  const keep = i32x4.splat(mask);
  for (let i = 0; i < count; i++) {
    v128.store(target, v128.xor(v128.load(target), v128.and(v128.load(source), keep)));
    target += 16;
    source += 16;
  }
}

/** The bytes of the low halves of both, alternating. */
// @ts-ignore: decorator
@inline
function low(a: v128, b: v128): v128 {
  return i8x16.shuffle(a, b, 0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23);
}

/** The bytes of the high halves of both, alternating. */
// @ts-ignore: decorator
@inline
function high(a: v128, b: v128): v128 {
  return i8x16.shuffle(a, b, 8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29, 14, 30, 15, 31);
}

/**
 * Writes the bits of sixteen rows in eight columns, given as one byte of every row, to eight rows of the result. A
 * bitmask collects the top bits of the bytes; doubling brings the others there, highest first.
 */
// @ts-ignore: decorator
@inline
function storeColumns(target: usize, bytes: v128): void {
  store<u16>(target, <u16>i8x16.bitmask(bytes), 112);
  bytes = i8x16.add(bytes, bytes);
  store<u16>(target, <u16>i8x16.bitmask(bytes), 96);
  bytes = i8x16.add(bytes, bytes);
  store<u16>(target, <u16>i8x16.bitmask(bytes), 80);
  bytes = i8x16.add(bytes, bytes);
  store<u16>(target, <u16>i8x16.bitmask(bytes), 64);
  bytes = i8x16.add(bytes, bytes);
  store<u16>(target, <u16>i8x16.bitmask(bytes), 48);
  bytes = i8x16.add(bytes, bytes);
  store<u16>(target, <u16>i8x16.bitmask(bytes), 32);
  bytes = i8x16.add(bytes, bytes);
  store<u16>(target, <u16>i8x16.bitmask(bytes), 16);
  bytes = i8x16.add(bytes, bytes);
  store<u16>(target, <u16>i8x16.bitmask(bytes));
}

/**
 * Transposes 128 rows of `rowBytes` bytes into 8 * rowBytes rows of 16 bytes; rowBytes is a multiple of 16. Bit i of
 * a row is bit i % 8 of its byte i / 8.
 */
export function transpose128(matrix: usize, out: usize, rowBytes: i32): void {
  const stride = <usize>rowBytes;
  for (let group = 0; group < 8; group++) {
    // Sixteen rows give two bytes of every output row.
    const rows = matrix + <usize>(16 * group) * stride;
    let target = out + 2 * group;
    for (let column: usize = 0; column < stride; column += 16) {
      const at = rows + column;
      let a0 = v128.load(at), a1 = v128.load(at + stride);
      let a2 = v128.load(at + 2 * stride), a3 = v128.load(at + 3 * stride);
      let a4 = v128.load(at + 4 * stride), a5 = v128.load(at + 5 * stride);
      let a6 = v128.load(at + 6 * stride), a7 = v128.load(at + 7 * stride);
      let a8 = v128.load(at + 8 * stride), a9 = v128.load(at + 9 * stride);
      let aa = v128.load(at + 10 * stride), ab = v128.load(at + 11 * stride);
      let ac = v128.load(at + 12 * stride), ad = v128.load(at + 13 * stride);
      let ae = v128.load(at + 14 * stride), af = v128.load(at + 15 * stride);
      // The sixteen rows laid one after another are 256 bytes. One perfect shuffle of them rotates the eight bits of
      // each byte's place by one; four exchange row and column.
      let b0 = low(a0, a8), b1 = high(a0, a8), b2 = low(a1, a9), b3 = high(a1, a9);
      let b4 = low(a2, aa), b5 = high(a2, aa), b6 = low(a3, ab), b7 = high(a3, ab);
      let b8 = low(a4, ac), b9 = high(a4, ac), ba = low(a5, ad), bb = high(a5, ad);
      let bc = low(a6, ae), bd = high(a6, ae), be = low(a7, af), bf = high(a7, af);

      a0 = low(b0, b8), a1 = high(b0, b8), a2 = low(b1, b9), a3 = high(b1, b9);
      a4 = low(b2, ba), a5 = high(b2, ba), a6 = low(b3, bb), a7 = high(b3, bb);
      a8 = low(b4, bc), a9 = high(b4, bc), aa = low(b5, bd), ab = high(b5, bd);
      ac = low(b6, be), ad = high(b6, be), ae = low(b7, bf), af = high(b7, bf);

      b0 = low(a0, a8), b1 = high(a0, a8), b2 = low(a1, a9), b3 = high(a1, a9);
      b4 = low(a2, aa), b5 = high(a2, aa), b6 = low(a3, ab), b7 = high(a3, ab);
      b8 = low(a4, ac), b9 = high(a4, ac), ba = low(a5, ad), bb = high(a5, ad);
      bc = low(a6, ae), bd = high(a6, ae), be = low(a7, af), bf = high(a7, af);

      storeColumns(target, low(b0, b8));
      storeColumns(target + 128, high(b0, b8));
      storeColumns(target + 256, low(b1, b9));
      storeColumns(target + 384, high(b1, b9));
      storeColumns(target + 512, low(b2, ba));
      storeColumns(target + 640, high(b2, ba));
      storeColumns(target + 768, low(b3, bb));
      storeColumns(target + 896, high(b3, bb));
      storeColumns(target + 1024, low(b4, bc));
      storeColumns(target + 1152, high(b4, bc));
      storeColumns(target + 1280, low(b5, bd));
      storeColumns(target + 1408, high(b5, bd));
      storeColumns(target + 1536, low(b6, be));
      storeColumns(target + 1664, high(b6, be));
      storeColumns(target + 1792, low(b7, bf));
      storeColumns(target + 1920, high(b7, bf));
      target += 2048;
    }
  }
}
