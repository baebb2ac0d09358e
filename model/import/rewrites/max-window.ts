import type { AffineValue } from '../affine.ts';
import { convolveValue, type Window } from '../affine-convolution.ts';
import { diagonalKernel } from '../dense-kernel.ts';
import { maximum } from './maximum.ts';
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
 * largest of them wins. Exact unless windows reach over the border of a map that may be negative, where padding
 * with zeros is not leaving out. Returns the reason as text then.
 */
export function maxPool(segments: Segments, value: AffineValue, window: PoolingWindow): AffineValue | string {
  if (window.padded && !segments.isNonnegative(value))
    return 'its windows reach over the border of a map that may be negative (put a Relu before it, or pool without pads)';
  const { channels } = value.shape;
  const identity = diagonalKernel(channels, 1, 1, 1);
  const sample = (row: number, column: number) =>
    convolveValue(value, identity, new Float64Array(channels), {
      ...window,
      padTop: window.padTop - row * window.dilationY,
      padLeft: window.padLeft - column * window.dilationX,
    });
  const samples: AffineValue[] = [];
  for (let row = 0; row < window.rows; row++)
    for (let column = 0; column < window.columns; column++) {
      const sampled = sample(row, column);
      if (typeof sampled === 'string') return sampled;
      samples.push(sampled);
    }
  return maximum(segments, samples);
}
