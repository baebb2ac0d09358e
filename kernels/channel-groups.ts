import type { Convolution } from './convolution-shape.ts';

/**
 * Small groups are computed several at a time, as one convolution with zeros between them: a product of few channels
 * takes no longer than its call.
 */

/** Products of a call that take about as long as the call itself. */
const CALL_PRODUCTS = 2 ** 16;

/** How many groups to compute at a time: a divisor of their number. */
export function groupsAtOnce(shape: Convolution): number {
  const { groups, channelsIn, channelsOut, kernelHeight, kernelWidth, outHeight, outWidth } = shape;
  const taps = kernelHeight * kernelWidth * outHeight * outWidth;
  const products = (channelsIn / groups) * (channelsOut / groups) * taps;
  for (let count = 1; count < groups; count++)
    if (groups % count === 0 && products * count * count >= CALL_PRODUCTS) return count;
  return groups;
}

/**
 * Writes the weights [count * outputs, depth] of `count` groups as those of one convolution, [count * outputs, count *
 * depth], into `out`, which is zero elsewhere.
 */
export function joinGroups(weights: Uint32Array, count: number, depth: number, out: Uint32Array): void {
  const rows = weights.length / depth;
  for (let row = 0; row < rows; row++) {
    const group = Math.floor((row * count) / rows);
    out.set(weights.subarray(row * depth, (row + 1) * depth), (row * count + group) * depth);
  }
}
