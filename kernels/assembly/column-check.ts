// Random linear sums over columns of an oblivious transfer matrix: 64 sums over GF(2), whose rows are public.

/**
 * Adds to the 64 blocks at `sums` the columns that their rows choose. `rows`: 32 bytes for every four columns, of
 * which byte j holds four bits of row j (low) and of row 32 + j (high). `table`: 256 bytes of working memory for all
 * sixteen sums of four columns. Rows are public, so that they may index it.
 */
export function foldColumns(columns: usize, rows: usize, sums: usize, table: usize, groups: i32): void {
  const half: usize = 32 * 16;
  for (let g = 0; g < groups; g++) {
    for (let filled: usize = 1; filled < 16; filled <<= 1) {
      const column = v128.load(columns);
      columns += 16;
      if (filled == 1) v128.store(table, i64x2.splat(0));
      for (let i: usize = 0; i < filled; i++)
        v128.store(table + ((filled + i) << 4), v128.xor(v128.load(table + (i << 4)), column));
    }
    let sum = sums;
    for (let j = 0; j < 32; j++) {
      const choice = <usize>load<u8>(rows);
      v128.store(sum, v128.xor(v128.load(sum), v128.load(table + ((choice & 15) << 4))));
      v128.store(sum + half, v128.xor(v128.load(sum + half), v128.load(table + (choice & 0xf0))));
      sum += 16;
      rows++;
    }
  }
}

/** All four-bit numbers whose bit is set, as bytes of ones. */
// @ts-ignore: decorator
@inline
function numbersWith(bit: i32): v128 {
  if (bit == 0) return i8x16(0, 1, 0, 1, 0, 1, 0, 1, 0, 1, 0, 1, 0, 1, 0, 1);
  if (bit == 1) return i8x16(0, 0, 1, 1, 0, 0, 1, 1, 0, 0, 1, 1, 0, 0, 1, 1);
  if (bit == 2) return i8x16(0, 0, 0, 0, 1, 1, 1, 1, 0, 0, 0, 0, 1, 1, 1, 1);
  return i8x16(0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 1, 1, 1, 1);
}

/**
 * The same sums over the choices, a byte 0 or 1 per column: adds them to the 64 bytes at `sums`. Without a branch or an
 * index that depends on a choice.
 */
export function foldChoices(choices: usize, rows: usize, sums: usize, groups: i32): void {
  let s0 = v128.load(sums), s1 = v128.load(sums, 16), s2 = v128.load(sums, 32), s3 = v128.load(sums, 48);
  const nibble = i8x16.splat(15);
  for (let g = 0; g < groups; g++) {
    const x0 = i8x16.splat(<i8>load<u8>(choices)), x1 = i8x16.splat(<i8>load<u8>(choices, 1));
    const x2 = i8x16.splat(<i8>load<u8>(choices, 2)), x3 = i8x16.splat(<i8>load<u8>(choices, 3));
    // parities[n]: the sum of the choices whose bits are set in n.
    const parities = v128.xor(
      v128.xor(v128.and(x0, numbersWith(0)), v128.and(x1, numbersWith(1))),
      v128.xor(v128.and(x2, numbersWith(2)), v128.and(x3, numbersWith(3))),
    );
    const first = v128.load(rows), second = v128.load(rows, 16);
    s0 = v128.xor(s0, i8x16.swizzle(parities, v128.and(first, nibble)));
    s1 = v128.xor(s1, i8x16.swizzle(parities, v128.and(second, nibble)));
    s2 = v128.xor(s2, i8x16.swizzle(parities, i8x16.shr_u(first, 4)));
    s3 = v128.xor(s3, i8x16.swizzle(parities, i8x16.shr_u(second, 4)));
    choices += 4;
    rows += 32;
  }
  v128.store(sums, s0);
  v128.store(sums, s1, 16);
  v128.store(sums, s2, 32);
  v128.store(sums, s3, 48);
}
