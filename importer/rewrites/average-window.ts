import { type AffineValue, addValues, concatValues, sliceChannels } from '../affine.ts';
import { convolveValue, type Window } from '../affine-convolution.ts';
import { type DenseKernel, makeKernel } from '../dense-kernel.ts';
import { mapLayout } from '../layout.ts';
import type { Constant } from '../onnx-constant.ts';
import { scaledBy } from '../scale.ts';
import { asPlainMap, convolveMap, mapSize } from '../spatial.ts';
import type { PoolingWindow } from './max-window.ts';
import type { Segments } from './segments.ts';

/** Elements that the windows of each output row and column average over. */
export interface WindowCounts {
  readonly rows: readonly number[];
  readonly columns: readonly number[];
}

/**
 * Along one axis, how many of the elements that count, from `start` to before `end`, each window holds, of `taps`
 * positions that are `dilation` apart.
 */
export function countsOf(
  [start, end]: readonly [number, number],
  taps: number,
  dilation: number,
  stride: number,
  pad: number,
  out: number,
): number[] {
  return Array.from({ length: out }, (_, i) => {
    const first = i * stride - pad;
    const from = Math.max(0, Math.ceil((start - first) / dilation));
    return Math.min(taps, Math.ceil((end - first) / dilation)) - from;
  });
}

/**
 * The mean of every window of a map. Where windows at the border count fewer elements, the means there are too
 * small by a factor per row and one per column; what is missing is computed once more as strips of one row or column
 * and as corners, in layers of linear elements, which are then added in their places: three round trips more.
 * Returns the reason as text where the value is no exact input of a convolution.
 */
export function averageWindows(
  segments: Segments,
  value: AffineValue,
  window: PoolingWindow,
  counts: WindowCounts,
): AffineValue | string {
  const rows = missing(counts.rows);
  const columns = missing(counts.columns);
  const { channels } = mapSize(value);
  const kernel = averagingKernel(channels, window, 1 / (rows.count * columns.count));
  if (rows.factors.length + columns.factors.length === 0)
    return convolveMap(value, kernel, new Float64Array(channels), window);
  const map = asPlainMap(value);
  if (!map) {
    // No strips can be cut of it: the factors wait for a product, or are one by one.
    const means = convolveMap(value, kernel, new Float64Array(channels), window);
    return typeof means === 'string' ? means : scaledBy(means, factorsOf(rows.count, columns.count, counts));
  }
  const mean = (placed: Window) => convolveValue(map, kernel, new Float64Array(channels), placed);
  let sum = mean(window);
  const row = (y: number): Partial<Window> => ({ padTop: window.padTop - y * window.strideY, outHeight: 1 });
  const column = (x: number): Partial<Window> => ({
    padLeft: window.padLeft - x * window.strideX,
    outWidth: 1,
  });
  const corners = rows.factors.flatMap(([y, a]) =>
    columns.factors.map(([x, b]): Strip => [{ ...row(y), ...column(x) }, y, x, a * b]),
  );
  const strips: Strip[][] = [
    rows.factors.map(([y, a]): Strip => [row(y), y, null, a]),
    columns.factors.map(([x, b]): Strip => [column(x), null, x, b]),
    corners,
  ];
  for (const alike of strips.filter(({ length }) => length > 0)) {
    const parts: AffineValue[] = [];
    for (const [part] of alike) {
      const strip = mean({ ...window, ...part });
      if (typeof strip === 'string') return strip;
      parts.push(strip);
    }
    const joined = concatValues(parts);
    const { height, width } = joined.shape;
    const tensor = segments.end(joined, new Uint8Array(joined.shape.channels * height * width).fill(1));
    for (const [i, [, y, x, factor]] of alike.entries()) {
      const placed = place(sliceChannels(tensor, i * channels, channels), window, y, x, factor);
      if (typeof placed === 'string' || typeof sum === 'string')
        return 'its borders cannot be computed apart';
      sum = addValues(sum, placed);
    }
  }
  if (typeof sum === 'string') return sum;
  return { ...sum, layout: mapLayout(sum.shape, map.layout[0], map.layout.length) };
}

/** What the mean of each window [rows, columns] is to be multiplied by. */
function factorsOf(usualRows: number, usualColumns: number, { rows, columns }: WindowCounts): Constant {
  const values = rows.flatMap((down) => columns.map((right) => (usualRows * usualColumns) / (down * right)));
  return { dims: [rows.length, columns.length], values: Float64Array.from(values) };
}

/** The same weight at every position of the window, of every channel by itself. */
function averagingKernel(channels: number, window: PoolingWindow, weight: number): DenseKernel {
  const { rows, columns, dilationY, dilationX } = window;
  const [height, width] = [(rows - 1) * dilationY + 1, (columns - 1) * dilationX + 1];
  return makeKernel(channels, channels, height, width, (data) => {
    for (let c = 0; c < channels; c++)
      for (let y = 0; y < height; y += dilationY)
        for (let x = 0; x < width; x += dilationX)
          data[((c * channels + c) * height + y) * width + x] = weight;
  });
}

/** A strip of the means: how its window differs, its row and column (null: all), what it is multiplied by. */
type Strip = readonly [Partial<Window>, number | null, number | null, number];

/** The usual count along an axis, and the rows or columns of another one, with the share of their mean that is missing. */
function missing(counts: readonly number[]): { count: number; factors: [number, number][] } {
  const times = (count: number) => counts.filter((other) => other === count).length;
  const count = counts.reduce((best, other) => (times(other) > times(best) ? other : best));
  const odd = [...counts.entries()].filter(([, other]) => other !== count);
  return { count, factors: odd.map(([i, other]) => [i, count / other - 1]) };
}

/** A strip times `factor` at row y and column x (null: it has all) of a map that is zero elsewhere. */
function place(
  strip: AffineValue,
  { outHeight, outWidth }: Window,
  y: number | null,
  x: number | null,
  factor: number,
): AffineValue | string {
  const { channels } = strip.shape;
  const [height, width] = [y === null ? 1 : outHeight, x === null ? 1 : outWidth];
  const at = (y === null ? 0 : height - 1 - y) * width + (x === null ? 0 : width - 1 - x);
  const kernel = makeKernel(channels, channels, height, width, (data) => {
    for (let c = 0; c < channels; c++) data[(c * channels + c) * height * width + at] = factor;
  });
  const window = { strideY: 1, strideX: 1, padTop: height - 1, padLeft: width - 1, outHeight, outWidth };
  return convolveValue(strip, kernel, new Float64Array(channels), window);
}
