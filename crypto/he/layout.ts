/**
 * Where things stand in a polynomial (coefficient packing: Cheetah, Huang et al., USENIX Security '22, section
 * 3.1, with pads shared by neighbours, strides taken out by `phases.ts`, and large maps cut into tiles).
 *
 * A polynomial holds `channelsIn` maps of a tensor; a kernel polynomial serves `channelsOut` output channels.
 * With R = rowStep and S = channelStep, in the tile whose window begins at row top, column left:
 *
 *     input   (channel c, row y, column x)           at  c*S + (y - top)*R + (x - left)
 *     kernel  (output j, channel c, offset (v, u))   at  (j*channelsIn + channelsIn-1 - c)*S - v*R - u
 *     output  (channel j, row y, column x)           at  (j*channelsIn + channelsIn-1)*S + (y - top)*R + (x - left)
 *
 * Exponents outside 0..N-1 wrap around with a change of sign. Positions do not depend on the kernel's size, so
 * products of different terms of a layer add up in the same ciphertext.
 *
 * Why an output coefficient receives nothing else. The product of input (c, y, x) and kernel (j', c', v, u)
 * lands at distance d*S + (y - v - y')*R + (x - u - x') from output (j, y', x'), with d = (j'-j)*channelsIn +
 * c - c', so |d| <= channelsIn*channelsOut - 1. The pitches are chosen so that |x - u - x'| <= R - 1 and
 * |y - v - y'| <= S/R - 1 for all inputs of a tile, offsets and outputs of that tile (`bands`). Hence the distance
 * is at most channelsIn*channelsOut*S - 1 < N in magnitude: wrapped or not, it lands on the output only if the
 * distance is 0, and a mixed-radix number with such digits is 0 only if every digit is: c = c', j = j', y = y' + v,
 * x = x' + u. That is the convolution. So channelsIn * channelsOut * S <= N is all that is needed.
 */
export interface Layout {
  /** N. */
  readonly degree: number;
  /** Coefficients from a row to the next, and from a channel to the next. */
  readonly rowStep: number;
  readonly channelStep: number;
  /** Channels of one input polynomial, and most output channels of one kernel polynomial. */
  readonly channelsIn: number;
  readonly channelsOut: number;
  /** Tiles are all pairs of a band of rows and a band of columns, row by row. */
  readonly rows: readonly Band[];
  readonly columns: readonly Band[];
}

/** One axis of a tile: computes outputs outFirst..outEnd-1 from the map's elements first..end-1. */
export interface Band {
  readonly first: number;
  readonly end: number;
  readonly outFirst: number;
  readonly outEnd: number;
}

/** What a set of kernels asks of one axis: output o reads elements o - before .. o + after of maps of `size`. */
export interface Reach {
  readonly size: number;
  readonly out: number;
  readonly before: number;
  readonly after: number;
}

/** The axis cut into bands of `length` outputs, and the pitch that keeps neighbours apart. */
export function bands(reach: Reach, length: number): { bands: Band[]; pitch: number } {
  const { size, out, before, after } = reach;
  const cut: Band[] = [];
  let pitch = 0;
  for (let outFirst = 0; outFirst < out; outFirst += length) {
    const outEnd = Math.min(outFirst + length, out);
    const first = Math.max(0, outFirst - before);
    const end = Math.max(first, Math.min(size, outEnd + after));
    cut.push({ first, end, outFirst, outEnd });
    pitch = Math.max(pitch, end - outFirst + before, outEnd - first + after);
  }
  return { bands: cut, pitch };
}

/** Tiles of the layout: every ciphertext belongs to one. */
export function tileCount({ rows, columns }: Layout): number {
  return rows.length * columns.length;
}

/** The bands that tile `tile` is made of. */
export function tileAt({ rows, columns }: Layout, tile: number): { row: Band; column: Band } {
  return { row: rows[Math.floor(tile / columns.length)], column: columns[tile % columns.length] };
}
