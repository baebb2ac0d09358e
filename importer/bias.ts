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

/** The bias of a convolution's input as one of its output, `outer` added: the convolution of the bias, zero-padded as its map. */
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
  const area = uniform ? 1 : shape.height * shape.width;
  const planes = uniform
    ? [tapSums(inner, kernel)]
    : Array.from({ length: kernel.in }, (_, c) => tapsOf(kernel, c));
  for (const [c, taps] of planes.entries())
    for (let i = 0, at = 0; i < result.length; i++, at = 0) {
      const [x, y] = [i % outWidth, Math.floor(i / outWidth) % outHeight];
      const first = Math.floor(i / (outWidth * outHeight)) * kernel.height * kernel.width;
      for (let ky = 0; ky < kernel.height; ky++)
        for (let kx = 0; kx < kernel.width; kx++, at++) {
          const [row, column] = [y * strideY + ky - padTop, x * strideX + kx - padLeft];
          if (row < 0 || row >= shape.height || column < 0 || column >= shape.width) continue;
          result[i] += taps[first + at] * (uniform ? 1 : inner[c * area + row * shape.width + column]);
        }
    }
  return perChannelBias(result, kernel.out);
}

/** Returns the kernel [out, height, width] of one input channel. */
function tapsOf(kernel: DenseKernel, channel: number): Float64Array {
  const area = kernel.height * kernel.width;
  return Float64Array.from(
    { length: kernel.out * area },
    (_, i) => kernel.data[(Math.floor(i / area) * kernel.in + channel) * area + (i % area)],
  );
}

/** The same for all channels together, each constant. */
function tapSums(bias: Float64Array, kernel: DenseKernel): Float64Array {
  const area = kernel.height * kernel.width;
  const sums = new Float64Array(kernel.out * area);
  for (const [i, weight] of kernel.data.entries()) {
    const plane = Math.floor(i / area);
    sums[Math.floor(plane / kernel.in) * area + (i % area)] += weight * bias[plane % kernel.in];
  }
  return sums;
}
