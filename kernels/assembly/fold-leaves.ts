// Sums over the rows that the leaves of one tree expand to; leaf x is row x, of `count` blocks. Row l of `rows` is
// the sum of the leaves x with bit l of x clear, `sum` that of all leaves.

/** Of two leaves: IKNP. */
export function fold2Leaves(leaves: usize, rows: usize, sum: usize, count: i32): void {
  const stride = (<usize>count) << 4;
  const end = leaves + stride;
  while (leaves < end) {
    const zero = v128.load(leaves);
    v128.store(rows, zero);
    v128.store(sum, v128.xor(zero, v128.load(leaves + stride)));
    leaves += 16;
    rows += 16;
    sum += 16;
  }
}

/** Of four leaves. */
export function fold4Leaves(leaves: usize, rows: usize, sum: usize, count: i32): void {
  const stride = (<usize>count) << 4;
  const end = leaves + stride;
  while (leaves < end) {
    const first = v128.load(leaves);
    const second = v128.load(leaves + stride);
    const third = v128.load(leaves + 2 * stride);
    const fourth = v128.load(leaves + 3 * stride);
    const half = v128.xor(first, second);
    v128.store(rows, v128.xor(first, third));
    v128.store(rows + stride, half);
    v128.store(sum, v128.xor(half, v128.xor(third, fourth)));
    leaves += 16;
    rows += 16;
    sum += 16;
  }
}

/** Of sixteen leaves: four times four, then the four sums. */
export function fold16Leaves(leaves: usize, rows: usize, sum: usize, count: i32): void {
  const stride = (<usize>count) << 4;
  const end = leaves + stride;
  while (leaves < end) {
    let row0 = i64x2.splat(0);
    let row1 = i64x2.splat(0);
    let row2 = i64x2.splat(0);
    let row3 = i64x2.splat(0);
    let all = i64x2.splat(0);
    let at = leaves;
    for (let four = 0; four < 4; four++) {
      const first = v128.load(at);
      const second = v128.load(at + stride);
      const third = v128.load(at + 2 * stride);
      const fourth = v128.load(at + 3 * stride);
      const half = v128.xor(first, second);
      const whole = v128.xor(half, v128.xor(third, fourth));
      row0 = v128.xor(row0, v128.xor(first, third));
      row1 = v128.xor(row1, half);
      if (!(four & 1)) row2 = v128.xor(row2, whole);
      if (!(four & 2)) row3 = v128.xor(row3, whole);
      all = v128.xor(all, whole);
      at += 4 * stride;
    }
    v128.store(rows, row0);
    v128.store(rows + stride, row1);
    v128.store(rows + 2 * stride, row2);
    v128.store(rows + 3 * stride, row3);
    v128.store(sum, all);
    leaves += 16;
    rows += 16;
    sum += 16;
  }
}
