import { elementsOf } from '../model/geometry.ts';
import type { Shape } from '../model/shape.ts';
import type { DenseKernel } from './dense-kernel.ts';

/**
 * The bias of a map: one number per channel or, if zero padding of a biased map changes the border, one per element
 * [channels, height, width].
 */

/** Maps every number, given its channel. */
export function mapBias(
  bias: Float64Array,
  channels: number,
  change: (b: number, channel: number) => number,
): Float64Array {
  const area = bias.length / channels;
  return bias.map((b, i) => change(b, Math.floor(i / area)));
}

export function addBiases(a: Float64Array, b: Float64Array, shape: Shape): Float64Array {
  if (a.length === b.length) return a.map((value, i) => value + b[i]);
  const [x, y] = [perElement(a, shape), perElement(b, shape)];
  return x.map((value, i) => value + y[i]);
}

/** The given channels, in that order. */
export function pickBias(bias: Float64Array, channels: number, picked: readonly number[]): Float64Array {
  const area = bias.length / channels;
  const result = new Float64Array(picked.length * area);
  for (const [i, channel] of picked.entries())
    result.set(bias.subarray(channel * area, (channel + 1) * area), i * area);
  return result;
}

/** Channels stacked. */
export function concatBiases(parts: readonly { bias: Float64Array; shape: Shape }[]): Float64Array {
  const uniform = parts.every(({ bias, shape }) => bias.length === shape.channels);
  const biases = parts.map(({ bias, shape }) => (uniform ? bias : perElement(bias, shape)));
  const result = new Float64Array(biases.reduce((sum, { length }) => sum + length, 0));
  let first = 0;
  for (const bias of biases) {
    result.set(bias, first);
    first += bias.length;
  }
  return result;
}

/** One number per element. */
export function perElement(bias: Float64Array, shape: Shape): Float64Array {
  if (bias.length === elementsOf(shape)) return bias;
  const area = shape.height * shape.width;
  return Float64Array.from({ length: elementsOf(shape) }, (_, i) => bias[Math.floor(i / area)]);
}

/** Returns one number per channel if those of each channel are equal. */
export function perChannelBias(bias: Float64Array, channels: number): Float64Array {
  const area = bias.length / channels;
  if (!bias.every((b, i) => b === bias[i - (i % area)])) return bias;
  return Float64Array.from({ length: channels }, (_, c) => bias[c * area]);
}

interface Placement {
  readonly strideY: number;
  readonly strideX: number;
  readonly padTop: number;
  readonly padLeft: number;
  readonly outHeight: number;
  readonly outWidth: number;
}

/** Returns the bias of a convolution's output: `outer` plus the convolution of the input's bias, zero-padded as its map. */
export function convolveBias(
  inner: Float64Array,
  shape: Shape,
  kernel: DenseKernel,
  outer: Float64Array,
  window: Placement,
): Float64Array {
  const { outHeight, outWidth, strideY, strideX, padTop, padLeft } = window;
  const result = perElement(outer, { channels: kernel.out, height: outHeight, width: outWidth }).slice();
  const uniform = inner.length === shape.channels;
  // A constant map of all channels together, in place of one of each.
  const maps = uniform ? new Float64Array(shape.height * shape.width).fill(1) : inner;
  const weights = uniform ? tapSums(inner, kernel) : kernel.data;
  const channels = uniform ? 1 : kernel.in;
  const [area, outArea] = [shape.height * shape.width, outHeight * outWidth];
  let at = 0;
  for (let o = 0; o < kernel.out; o++)
    for (let c = 0; c < channels; c++)
      for (let ky = 0; ky < kernel.height; ky++) {
        const rows = insideOf(shape.height, outHeight, strideY, ky - padTop);
        for (let kx = 0; kx < kernel.width; kx++, at++) {
          const weight = weights[at];
          if (weight === 0) continue;
          const columns = insideOf(shape.width, outWidth, strideX, kx - padLeft);
          for (let y = rows.first; y < rows.end; y++) {
            const from = c * area + (y * strideY + ky - padTop) * shape.width + kx - padLeft;
            const to = o * outArea + y * outWidth;
            for (let x = columns.first; x < columns.end; x++)
              result[to + x] += weight * maps[from + x * strideX];
          }
        }
      }
  return perChannelBias(result, kernel.out);
}

/** Returns the positions x of an output axis for which x * stride + offset lies within an input axis of `size`. */
function insideOf(size: number, out: number, stride: number, offset: number): { first: number; end: number } {
  const first = Math.max(0, Math.ceil(-offset / stride));
  return { first, end: Math.min(out, Math.ceil((size - offset) / stride)) };
}

/** Returns the kernel [out, height, width] of all input channels together, each a constant. */
function tapSums(bias: Float64Array, kernel: DenseKernel): Float64Array {
  const area = kernel.height * kernel.width;
  const sums = new Float64Array(kernel.out * area);
  for (const [i, weight] of kernel.data.entries()) {
    const plane = Math.floor(i / area);
    sums[Math.floor(plane / kernel.in) * area + (i % area)] += weight * bias[plane % kernel.in];
  }
  return sums;
}
