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

/**
 * Transposes 128 rows of `rowBytes` bytes into 8 * rowBytes rows of 16 bytes. Bit i of a row is bit i % 8 of its
 * byte i / 8.
 */
export function transpose128(matrix: usize, out: usize, rowBytes: i32): void {
  const stride = <usize>rowBytes;
  for (let group = 0; group < 8; group++) {
    // Sixteen rows give two bytes of every output row.
    const rows = matrix + <usize>(16 * group) * stride;
    let target = out + 2 * group;
    for (let column: usize = 0; column < stride; column++) {
      const at = rows + column;
      let bytes = i8x16.splat(load<i8>(at));
      bytes = i8x16.replace_lane(bytes, 1, load<i8>(at + stride));
      bytes = i8x16.replace_lane(bytes, 2, load<i8>(at + 2 * stride));
      bytes = i8x16.replace_lane(bytes, 3, load<i8>(at + 3 * stride));
      bytes = i8x16.replace_lane(bytes, 4, load<i8>(at + 4 * stride));
      bytes = i8x16.replace_lane(bytes, 5, load<i8>(at + 5 * stride));
      bytes = i8x16.replace_lane(bytes, 6, load<i8>(at + 6 * stride));
      bytes = i8x16.replace_lane(bytes, 7, load<i8>(at + 7 * stride));
      bytes = i8x16.replace_lane(bytes, 8, load<i8>(at + 8 * stride));
      bytes = i8x16.replace_lane(bytes, 9, load<i8>(at + 9 * stride));
      bytes = i8x16.replace_lane(bytes, 10, load<i8>(at + 10 * stride));
      bytes = i8x16.replace_lane(bytes, 11, load<i8>(at + 11 * stride));
      bytes = i8x16.replace_lane(bytes, 12, load<i8>(at + 12 * stride));
      bytes = i8x16.replace_lane(bytes, 13, load<i8>(at + 13 * stride));
      bytes = i8x16.replace_lane(bytes, 14, load<i8>(at + 14 * stride));
      bytes = i8x16.replace_lane(bytes, 15, load<i8>(at + 15 * stride));
      // The mask collects the top bits of the bytes; shifting brings the others there, highest first.
      for (let bit: usize = 8; bit-- > 0; ) {
        store<u16>(target + (bit << 4), <u16>i8x16.bitmask(bytes));
        bytes = i8x16.shl(bytes, 1);
      }
      target += 128;
    }
  }
}
