import { elementsOf } from '../model/geometry.ts';
import type { Shape } from '../model/shape.ts';
import type { DenseKernel } from './dense-kernel.ts';

/**
 * The bias of a map: one number per channel or, if zero padding of a biased map changes the border, one per element
 * [channels, height, width].
 */
export interface Bias {
  /** Never changed. */
  readonly values: Float64Array;
}

/**
 * A bias that `compute` gives when it is first read, so a search for the best shape of a network computes none.
 * `compute` should hold nothing but biases and the kernels of single operators: it is kept until then.
 */
export function lazyBias(compute: () => Float64Array): Bias {
  let values: Float64Array | undefined;
  // Released after use, and with it the biases that it reads.
  let computing: typeof compute | undefined = compute;
  return {
    get values() {
      if (!values) {
        values = computing!();
        computing = undefined;
      }
      return values;
    },
  };
}

/** A bias of zero for every channel. */
export function noBias(channels: number): Bias {
  return { values: new Float64Array(channels) };
}

/** Maps every number, given its channel. */
export function mapBias(bias: Bias, channels: number, change: (b: number, channel: number) => number): Bias {
  return lazyBias(() => {
    const { values } = bias;
    const area = values.length / channels;
    return values.map((b, i) => change(b, Math.floor(i / area)));
  });
}

export function addBiases(first: Bias, second: Bias, shape: Shape): Bias {
  return lazyBias(() => {
    const [a, b] = [first.values, second.values];
    if (a.length === b.length) return a.map((value, i) => value + b[i]);
    const [x, y] = [perElement(a, shape), perElement(b, shape)];
    return x.map((value, i) => value + y[i]);
  });
}

/** Every element times its factor. */
export function scaleElements(bias: Bias, shape: Shape, factors: Float64Array): Bias {
  return lazyBias(() => perElement(bias.values, shape).map((b, i) => b * factors[i]));
}

/** The given channels, in that order. */
export function pickBias(bias: Bias, channels: number, picked: readonly number[]): Bias {
  return lazyBias(() => {
    const { values } = bias;
    const area = values.length / channels;
    const result = new Float64Array(picked.length * area);
    for (const [i, channel] of picked.entries())
      result.set(values.subarray(channel * area, (channel + 1) * area), i * area);
    return result;
  });
}

/** The bias of `channels` channels, placed from channel `first` on among `out`; the others have none. */
export function placeBias(bias: Bias, channels: number, first: number, out: number): Bias {
  return lazyBias(() => {
    const { values } = bias;
    const area = values.length / channels;
    const result = new Float64Array(area * out);
    result.set(values, first * area);
    return result;
  });
}

/** Channels stacked. */
export function concatBiases(biases: readonly Bias[], shapes: readonly Shape[]): Bias {
  return lazyBias(() => {
    const own = biases.map(({ values }) => values);
    const uniform = own.every((values, i) => values.length === shapes[i].channels);
    const parts = uniform ? own : own.map((values, i) => perElement(values, shapes[i]));
    const result = new Float64Array(parts.reduce((sum, { length }) => sum + length, 0));
    let first = 0;
    for (const part of parts) {
      result.set(part, first);
      first += part.length;
    }
    return result;
  });
}

/** The mean of every channel over its map. */
export function meanBias(bias: Bias, channels: number): Bias {
  return lazyBias(() => {
    const { values } = bias;
    const area = values.length / channels;
    return Float64Array.from({ length: channels }, (_, c) => mean(values.subarray(c * area, (c + 1) * area)));
  });
}

function mean(values: Float64Array): number {
  return values.length === 1 ? values[0] : values.reduce((sum, value) => sum + value / values.length, 0);
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
