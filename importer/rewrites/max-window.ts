import type { AffineValue } from '../affine.ts';
import type { Window } from '../affine-convolution.ts';
import { diagonalKernel } from '../dense-kernel.ts';
import { mapLayout, sameLayout } from '../layout.ts';
import { convolveMap, mapSize } from '../spatial.ts';
import { type Contestant, maxima } from './maximum.ts';
import type { Segments } from './segments.ts';

/** A pooling window: where it lies, and how many rows and columns it takes, `dilation` apart. */
export interface PoolingWindow extends Window {
  readonly rows: number;
  readonly columns: number;
  readonly dilationY: number;
  readonly dilationX: number;
  /** Whether any window reads outside the map. */
  readonly padded: boolean;
}

/**
 * The maximum of every window of a map. Windows that lie side by side, or are the map, are pooled in several steps of
 * few positions each; that takes the same ReLUs and round trips, and far smaller kernels. Returns the reason as text
 * where the windows cannot be computed.
 */
export function maxPool(segments: Segments, value: AffineValue, window: PoolingWindow): AffineValue | string {
  let pooled: AffineValue | string = value;
  for (const step of stepsOf(window, mapSize(value))) {
    pooled = poolOnce(segments, pooled, step);
    if (typeof pooled === 'string') return pooled;
  }
  return pooled;
}

/** Steps along one axis: positions, how far apart they are, and the stride of the windows. */
type Step = readonly [positions: number, dilation: number, stride: number];

function stepsOf(
  window: PoolingWindow,
  { height, width }: { height: number; width: number },
): PoolingWindow[] {
  const { rows, columns, dilationY, dilationX, strideY, strideX, padded, outHeight, outWidth } = window;
  if (padded || dilationY > 1 || dilationX > 1) return [window];
  const y = stepsAlong(rows, strideY, height, outHeight);
  const x = stepsAlong(columns, strideX, width, outWidth);
  if (!y || !x) return [window];
  const steps: PoolingWindow[] = [];
  let [rowsLeft, columnsLeft] = [outHeight * rows, outWidth * columns];
  for (let i = 0; i < Math.max(y.length, x.length); i++) {
    const [down, right] = [y[i] ?? [1, 1, 1], x[i] ?? [1, 1, 1]];
    const out = (left: number, [positions, dilation, stride]: Step) =>
      Math.floor((left - (positions - 1) * dilation - 1) / stride) + 1;
    [rowsLeft, columnsLeft] = [out(rowsLeft, down), out(columnsLeft, right)];
    steps.push({
      rows: down[0],
      columns: right[0],
      dilationY: down[1],
      dilationX: right[1],
      strideY: down[2],
      strideX: right[2],
      padTop: window.padTop,
      padLeft: window.padLeft,
      outHeight: rowsLeft,
      outWidth: columnsLeft,
      padded: false,
    });
  }
  return steps;
}

/** Positions of a step that are not divided any more. */
const FEW = 3;

/** Steps that together take the maxima of windows of `positions`; null where the windows overlap or leave gaps. */
function stepsAlong(positions: number, stride: number, size: number, out: number): Step[] | null {
  const whole = out === 1 && positions === size;
  if (!whole && positions !== stride) return null;
  const steps: Step[] = [];
  let left = positions;
  for (; left > FEW || left === 2; left = Math.ceil(left / 2))
    if (left % 2 === 0) steps.push([2, 1, 2]);
    // Halves that share the middle.
    else if (whole) steps.push([2, Math.floor(left / 2), 1]);
    else break;
  if (left > 1) steps.push([left, 1, left]);
  return steps;
}

/**
 * Each position in the window gives a value of the output's size, and the largest of them wins. Positions in the
 * padding take no part; where nothing is negative they may, as zeros.
 */
function poolOnce(segments: Segments, value: AffineValue, window: PoolingWindow): AffineValue | string {
  const { channels, height, width } = mapSize(value);
  const identity = diagonalKernel(channels, 1, 1, 1);
  const zerosCount = !window.padded || segments.isNonnegative(value);
  const columns: Contestant[][] = [];
  for (let column = 0; column < window.columns; column++) {
    const contestants: Contestant[] = [];
    for (let row = 0; row < window.rows; row++) {
      const sampled = convolveMap(value, identity, new Float64Array(channels), {
        ...window,
        padTop: window.padTop - row * window.dilationY,
        padLeft: window.padLeft - column * window.dilationX,
      });
      if (typeof sampled === 'string') return sampled;
      const plain = mapLayout(sampled.shape, sampled.layout[0], sampled.layout.length);
      if (!zerosCount && !sameLayout(sampled.layout, plain))
        return 'it pads a map of which rows and columns were moved or enlarged: pool without pads';
      contestants.push({
        value: sampled,
        inside: zerosCount ? null : insideAt(height, width, window, row, column),
      });
    }
    columns.push(contestants);
  }
  if (zerosCount) return maxima(segments, [columns.flat()])![0].value;
  // Column by column first: positions of one column differ in the rows alone at which they take part.
  const winners = maxima(segments, columns);
  const winner = winners && maxima(segments, [winners])?.[0];
  if (winner?.inside !== null)
    return 'none of its positions lies inside of the map in all windows (pool with smaller pads)';
  return winner.value;
}

/** At which windows [outHeight, outWidth] their position at `row` and `column` lies inside of the map; null: at all. */
function insideAt(
  height: number,
  width: number,
  window: PoolingWindow,
  row: number,
  column: number,
): Uint8Array | null {
  const { outHeight, outWidth, strideY, strideX } = window;
  const inside = (at: number, size: number) => at >= 0 && at < size;
  const flags = Uint8Array.from({ length: outHeight * outWidth }, (_, i) => {
    const y = Math.floor(i / outWidth) * strideY + row * window.dilationY - window.padTop;
    const x = (i % outWidth) * strideX + column * window.dilationX - window.padLeft;
    return Number(inside(y, height) && inside(x, width));
  });
  return flags.includes(0) ? flags : null;
}
