import { MAX_KERNEL, MAX_STRIDE } from '../model/limits.ts';
import type { Shape } from '../model/shape.ts';
import { type AffineTerm, type AffineValue, denseKernel } from './affine.ts';
import { type Bias, convolveBias, lazyBias, meanBias } from './bias.ts';
import {
  composeKernels,
  type DenseKernel,
  diagonalKernel,
  fitsKernel,
  scaleOutputs,
} from './dense-kernel.ts';

/** Most products for composing two kernels, which take a few seconds. */
const MAX_COMPOSITION = 2 ** 33;

/** A convolution's window and the size of its output. */
export interface Window {
  readonly strideY: number;
  readonly strideX: number;
  readonly padTop: number;
  readonly padLeft: number;
  readonly outHeight: number;
  readonly outWidth: number;
}

/**
 * A convolution of a value: exact unless the window reads the value's zero padding where the value's own formula would
 * not give zero. In that case returns the reason as text.
 */
export function convolveValue(
  value: AffineValue,
  kernel: DenseKernel,
  bias: Float64Array,
  window: Window,
): AffineValue | string {
  const padded = readsPadding(value.shape, kernel, window);
  if (padded && !value.terms.every((term) => vanishesOutside(value.shape, term)))
    return 'it zero-pads a map that a spatial convolution computed, so the two are not one convolution (pad the tensor before the first instead)';
  if (value.terms.some(({ pool }) => pool === 'sum') && (kernel.height > 1 || kernel.width > 1 || padded))
    return 'it convolves a globally pooled value spatially';
  if (!value.terms.every((term) => composes(term, kernel, window)))
    return 'it and what its input is computed by would make too large a convolution';
  const terms = value.terms.map((term) => ({
    ...term,
    kernel: term.kernel === null ? kernel : composeKernels(kernel, term.kernel, term.strideY, term.strideX),
    strideY: term.pool === 'sum' ? 1 : term.strideY * window.strideY,
    strideX: term.pool === 'sum' ? 1 : term.strideX * window.strideX,
    padTop: window.padTop * term.strideY + term.padTop,
    padLeft: window.padLeft * term.strideX + term.padLeft,
  }));
  const shape = { channels: kernel.out, height: window.outHeight, width: window.outWidth };
  const through = convolvedBias(value.bias, value.shape, kernel, bias, window, padded);
  return { shape, layout: value.layout, terms, bias: through };
}

/** The bias of a convolution's output; `outer` is that of the convolution itself. */
function convolvedBias(
  inner: Bias,
  shape: Shape,
  kernel: DenseKernel,
  outer: Float64Array,
  window: Window,
  padded: boolean,
): Bias {
  return lazyBias(() => {
    const { values } = inner;
    return values.length === kernel.in && !(padded && values.some((b) => b !== 0))
      ? throughKernel(kernel, values, outer)
      : convolveBias(values, shape, kernel, outer, window);
  });
}

/** Whether the convolution of a term stays within what a layer may have. A term that is a tensor becomes the kernel itself. */
function composes(
  { kernel: inner, from, strideY, strideX, pool }: AffineTerm,
  outer: DenseKernel,
  window: Window,
): boolean {
  const height = (outer.height - 1) * strideY + (inner?.height ?? 1);
  const width = (outer.width - 1) * strideX + (inner?.width ?? 1);
  const weights = (kernel: DenseKernel) => kernel.out * kernel.in * kernel.height * kernel.width;
  return (
    Math.max(height, width) <= MAX_KERNEL &&
    (pool === 'sum' || Math.max(strideY * window.strideY, strideX * window.strideX) <= MAX_STRIDE) &&
    fitsKernel(outer.out, from.channels, height, width) &&
    (inner === null || (weights(outer) / inner.out) * weights(inner) <= MAX_COMPOSITION)
  );
}

/** Converts a bias per channel of a convolution's input, if no window reads padding, to one of its output. */
function throughKernel(kernel: DenseKernel, inner: Float64Array, outer: Float64Array): Float64Array {
  const biased = Array.from(inner.keys()).filter((c) => inner[c] !== 0);
  if (biased.length === 0) return outer;
  const area = kernel.height * kernel.width;
  const { data } = kernel;
  const sums = outer.slice();
  for (let o = 0; o < sums.length; o++)
    for (const c of biased) {
      const start = (o * kernel.in + c) * area;
      for (let i = start; i < start + area; i++) sums[o] += data[i] * inner[c];
    }
  return sums;
}

function readsPadding(shape: Shape, kernel: DenseKernel, window: Window): boolean {
  return (
    window.padTop > 0 ||
    window.padLeft > 0 ||
    (window.outHeight - 1) * window.strideY + kernel.height - window.padTop > shape.height ||
    (window.outWidth - 1) * window.strideX + kernel.width - window.padLeft > shape.width
  );
}

/** Whether the term's formula gives zero at every position outside its map: no window there touches the tensor. */
function vanishesOutside(
  shape: Shape,
  { pool, kernel, from, strideY, strideX, padTop, padLeft }: AffineTerm,
): boolean {
  const vanishes = (size: number, extent: number, stride: number, pad: number, out: number) =>
    extent - pad <= stride && out * stride - pad >= size;
  return (
    pool === 'none' &&
    vanishes(from.height, kernel?.height ?? 1, strideY, padTop, shape.height) &&
    vanishes(from.width, kernel?.width ?? 1, strideX, padLeft, shape.width)
  );
}

/** The mean of every channel over its map. A tensor is summed first, which is one product per channel in the protocol. */
export function poolGlobally(value: AffineValue): AffineValue | string {
  const { channels, height, width } = value.shape;
  const pointwise = value.terms.every(
    ({ pool, kernel, strideY, strideX, padTop, padLeft, from }) =>
      pool === 'none' &&
      (kernel === null || (kernel.height === 1 && kernel.width === 1)) &&
      strideY === 1 &&
      strideX === 1 &&
      padTop === 0 &&
      padLeft === 0 &&
      from.height === height &&
      from.width === width,
  );
  if (!pointwise) {
    const window = { strideY: 1, strideX: 1, padTop: 0, padLeft: 0, outHeight: 1, outWidth: 1 };
    const average = diagonalKernel(channels, height, width, 1 / (height * width));
    return convolveValue(value, average, new Float64Array(channels), window);
  }
  const factors = new Float64Array(channels).fill(1 / (height * width));
  const terms = value.terms.map((term): AffineTerm => {
    const kernel = scaleOutputs(denseKernel(term), factors);
    return height * width === 1 ? { ...term, kernel } : { ...term, pool: 'sum', kernel };
  });
  return { ...value, shape: { channels, height: 1, width: 1 }, terms, bias: meanBias(value.bias, channels) };
}
