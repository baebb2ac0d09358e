// Convolution as a matrix product: panels of input columns (im2col), then SIMD GEMM on 4x8 tiles.
// Everything is in 32-bit words; integers wrap around. Only gemm's arithmetic depends on the type.

/** A panel is 8 neighbouring output positions: two vectors. */
const PANEL: i32 = 8;

/** Copies [channels, height, width] into cleared planes [channels, toHeight, toWidth], shifted down and right by the pads. */
export function padPlanes(
  from: usize,
  to: usize,
  channels: i32,
  height: i32,
  width: i32,
  toHeight: i32,
  toWidth: i32,
  top: i32,
  left: i32,
): void {
  memory.fill(to, 0, <usize>(channels * toHeight * toWidth) << 2);
  const rows = min(height, toHeight - top);
  const bytes = <usize>max(min(width, toWidth - left), 0) << 2;
  for (let c = 0; c < channels; c++) {
    for (let y = 0; y < rows; y++) {
      const source = from + (<usize>((c * height + y) * width) << 2);
      const target = to + (<usize>((c * toHeight + y + top) * toWidth + left) << 2);
      memory.copy(target, source, bytes);
    }
  }
}

/**
 * Fills panels [panels, depth, 8]: row k of a panel holds, for its 8 output positions, the padded input at
 * taps[k] + positions[.] (both byte offsets).
 */
export function packPanels(
  input: usize,
  taps: usize,
  positions: usize,
  panels: usize,
  depth: i32,
  count: i32,
): void {
  for (let p = 0; p < count; p++) {
    packHalf(input, taps, positions, panels, depth);
    packHalf(input, taps, positions + 16, panels + 16, depth);
    positions += 32;
    panels += <usize>depth << 5;
  }
}

/** One vector of 4 positions per panel row: a single load where the positions are neighbours. */
function packHalf(input: usize, taps: usize, positions: usize, panel: usize, depth: i32): void {
  const end = taps + (<usize>depth << 2);
  const p0 = input + load<u32>(positions);
  const p1 = input + load<u32>(positions, 4);
  const p2 = input + load<u32>(positions, 8);
  const p3 = input + load<u32>(positions, 12);
  if (p1 == p0 + 4 && p2 == p0 + 8 && p3 == p0 + 12) {
    for (; taps < end; taps += 4, panel += 32) v128.store(panel, v128.load(p0 + load<u32>(taps)));
  } else {
    for (; taps < end; taps += 4, panel += 32) {
      const tap = <usize>load<u32>(taps);
      store<u32>(panel, load<u32>(p0 + tap));
      store<u32>(panel, load<u32>(p1 + tap), 4);
      store<u32>(panel, load<u32>(p2 + tap), 8);
      store<u32>(panel, load<u32>(p3 + tap), 12);
    }
  }
}

/**
 * out[rows, 8 * panels] += weights[rows, depth] * panels, where a row of weights begins every `rowWords`
 * words. rows is a multiple of 4.
 */
@inline
function multiply<T>(weights: usize, rowWords: i32, panels: usize, out: usize, rows: i32, depth: i32, count: i32): void {
  const row = <usize>rowWords << 2;
  const line = <usize>(count * PANEL) << 2;
  for (let m = 0; m < rows; m += 4) {
    let panel = panels;
    for (let p = 0; p < count; p++) {
      const c0 = out + (<usize>(p * PANEL) << 2);
      const c1 = c0 + line;
      const c2 = c1 + line;
      const c3 = c2 + line;
      let a00 = v128.load(c0), a01 = v128.load(c0, 16);
      let a10 = v128.load(c1), a11 = v128.load(c1, 16);
      let a20 = v128.load(c2), a21 = v128.load(c2, 16);
      let a30 = v128.load(c3), a31 = v128.load(c3, 16);
      let w = weights;
      const end = weights + (<usize>depth << 2);
      while (w < end) {
        const x0 = v128.load(panel), x1 = v128.load(panel, 16);
        let s = v128.load32_splat(w);
        a00 = v128.add<T>(a00, v128.mul<T>(s, x0));
        a01 = v128.add<T>(a01, v128.mul<T>(s, x1));
        s = v128.load32_splat(w + row);
        a10 = v128.add<T>(a10, v128.mul<T>(s, x0));
        a11 = v128.add<T>(a11, v128.mul<T>(s, x1));
        s = v128.load32_splat(w + 2 * row);
        a20 = v128.add<T>(a20, v128.mul<T>(s, x0));
        a21 = v128.add<T>(a21, v128.mul<T>(s, x1));
        s = v128.load32_splat(w + 3 * row);
        a30 = v128.add<T>(a30, v128.mul<T>(s, x0));
        a31 = v128.add<T>(a31, v128.mul<T>(s, x1));
        w += 4;
        panel += 32;
      }
      v128.store(c0, a00);
      v128.store(c0, a01, 16);
      v128.store(c1, a10);
      v128.store(c1, a11, 16);
      v128.store(c2, a20);
      v128.store(c2, a21, 16);
      v128.store(c3, a30);
      v128.store(c3, a31, 16);
    }
    weights += 4 * row;
    out += 4 * line;
  }
}

/** The product mod 2^32; arguments as `multiply`. */
export function multiplyInteger(
  weights: usize,
  rowWords: i32,
  panels: usize,
  out: usize,
  rows: i32,
  depth: i32,
  count: i32,
): void {
  multiply<i32>(weights, rowWords, panels, out, rows, depth, count);
}

/** The product in single precision; arguments as `multiply`. */
export function multiplyFloat(
  weights: usize,
  rowWords: i32,
  panels: usize,
  out: usize,
  rows: i32,
  depth: i32,
  count: i32,
): void {
  multiply<f32>(weights, rowWords, panels, out, rows, depth, count);
}
