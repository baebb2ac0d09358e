import type { Shape } from '../../card.ts';
import type { AffineValue } from '../affine.ts';
import { convolveValue, type Window } from '../affine-convolution.ts';
import { diagonalKernel } from '../dense-kernel.ts';
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
 * The maximum of every window of a map: each position in the window gives a value of the output's size, and the
 * largest of them wins. Positions in the padding take no part; where nothing is negative they may, as zeros. Returns
 * the reason as text where the windows cannot be computed.
 */
export function maxPool(segments: Segments, value: AffineValue, window: PoolingWindow): AffineValue | string {
  const { channels } = value.shape;
  const identity = diagonalKernel(channels, 1, 1, 1);
  const zerosCount = !window.padded || segments.isNonnegative(value);
  const columns: Contestant[][] = [];
  for (let column = 0; column < window.columns; column++) {
    const contestants: Contestant[] = [];
    for (let row = 0; row < window.rows; row++) {
      const sampled = convolveValue(value, identity, new Float64Array(channels), {
        ...window,
        padTop: window.padTop - row * window.dilationY,
        padLeft: window.padLeft - column * window.dilationX,
      });
      if (typeof sampled === 'string') return sampled;
      contestants.push({
        value: sampled,
        inside: zerosCount ? null : insideAt(value.shape, window, row, column),
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
  { height, width }: Shape,
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
