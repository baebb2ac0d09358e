import type { Shape } from '../model/shape.ts';
import { addBiases, type Bias, concatBiases, mapBias, noBias, pickBias } from './bias.ts';
import {
  addKernels,
  type DenseKernel,
  diagonalKernel,
  embedKernel,
  pickOutputs,
  placeOutputs,
  scaleOutputs,
} from './dense-kernel.ts';
import type { Layout } from './layout.ts';

/**
 * Composes values symbolically: every value between two ReLUs is an affine function of secret tensors, a sum of
 * convolutions plus a bias per channel. The functions here are exact, or return the reason why they cannot be.
 */

/** One convolution of a secret tensor. Zero padding below and right follows from the value's size; pads may be negative (a crop). */
export interface AffineTerm {
  readonly tensor: number;
  /** Size of the tensor. */
  readonly from: Shape;
  readonly pool: 'none' | 'sum';
  /** null is the identity: 1x1, strides of 1, no padding. */
  readonly kernel: DenseKernel | null;
  readonly strideY: number;
  readonly strideX: number;
  readonly padTop: number;
  readonly padLeft: number;
}

export interface AffineValue {
  /** The map as which the value is stored. */
  readonly shape: Shape;
  /** The graph's view of the map's elements. */
  readonly layout: Layout;
  readonly terms: readonly AffineTerm[];
  readonly bias: Bias;
  /**
   * A factor per element by which the terms are still to be multiplied. A convolution cannot apply it, so it waits for
   * a matrix product (relayout.ts).
   */
  readonly gain?: Float64Array;
}

/** Returns a secret tensor itself, with the graph's layout. */
export function tensorValue(tensor: number, shape: Shape, layout: Layout): AffineValue {
  const term: AffineTerm = {
    tensor,
    from: shape,
    pool: 'none',
    kernel: null,
    strideY: 1,
    strideX: 1,
    padTop: 0,
    padLeft: 0,
  };
  return { shape, layout, terms: [term], bias: noBias(shape.channels) };
}

/** Whether the value is a secret tensor, with nothing computed from it. */
export function isTensor({ terms, bias, gain }: AffineValue): boolean {
  return !gain && terms.length === 1 && terms[0].kernel === null && bias.values.every((b) => b === 0);
}

export function denseKernel({ kernel, from }: AffineTerm): DenseKernel {
  return kernel ?? diagonalKernel(from.channels, 1, 1, 1);
}

/** Weights of all terms, zeros included. */
export function weightsOf({ shape, terms }: AffineValue): number {
  const perOutput = terms.map(
    ({ kernel, from }) => from.channels * (kernel ? kernel.height * kernel.width : 1),
  );
  return shape.channels * perOutput.reduce((sum, count) => sum + count, 0);
}

/** Merges terms that convolve the same tensor with the same strides. */
export function mergeTerms(terms: readonly AffineTerm[]): AffineTerm[] {
  const merged = new Map<string, AffineTerm>();
  for (const term of terms) {
    const { tensor, pool, strideY, strideX } = term;
    const key = `${tensor}/${pool}/${strideY}/${strideX}`;
    const alike = merged.get(key);
    merged.set(key, alike ? mergePair(alike, term) : term);
  }
  return [...merged.values()];
}

/** Merges two terms, aligned by their pads: a kernel with less padding gets leading zero rows and columns. */
function mergePair(a: AffineTerm, b: AffineTerm): AffineTerm {
  const padTop = Math.max(a.padTop, b.padTop);
  const padLeft = Math.max(a.padLeft, b.padLeft);
  const [first, second] = [a, b].map((term) => ({
    kernel: denseKernel(term),
    top: padTop - term.padTop,
    left: padLeft - term.padLeft,
  }));
  const height = Math.max(first.top + first.kernel.height, second.top + second.kernel.height);
  const width = Math.max(first.left + first.kernel.width, second.left + second.kernel.width);
  const [x, y] = [first, second].map(({ kernel, top, left }) =>
    embedKernel(kernel, top, left, height, width),
  );
  return { ...a, kernel: addKernels(x, y), padTop, padLeft };
}

/** The sum of two values of one shape. */
export function addValues(a: AffineValue, b: AffineValue): AffineValue {
  return {
    ...a,
    terms: mergeTerms([...a.terms, ...b.terms]),
    bias: addBiases(a.bias, b.bias, a.shape),
  };
}

/** Multiplies every channel by its factor and adds its offset: an inference-time batch norm. */
export function scaleChannels(value: AffineValue, factors: Float64Array, offsets: Float64Array): AffineValue {
  const terms = value.terms.map((term) => ({ ...term, kernel: scaleOutputs(denseKernel(term), factors) }));
  const bias = mapBias(value.bias, value.shape.channels, (b, c) => b * factors[c] + offsets[c]);
  return { ...value, terms, bias };
}

/** Every channel, or every element, plus its offset. */
export function addBias(value: AffineValue, offsets: Float64Array): AffineValue {
  return { ...value, bias: addBiases(value.bias, { values: offsets }, value.shape) };
}

/** Every element times `factor`, plus `offset`. */
export function scaleValue(value: AffineValue, factor: number, offset = 0): AffineValue {
  const each = (number: number) => new Float64Array(value.shape.channels).fill(number);
  if (factor !== 1) return scaleChannels(value, each(factor), each(offset));
  if (offset === 0) return value;
  return { ...value, bias: mapBias(value.bias, value.shape.channels, (b) => b + offset) };
}

/** Selects the given channels, in that order. The caller must adapt the layout, which does not change. */
export function pickChannels(value: AffineValue, channels: readonly number[]): AffineValue {
  if (channels.length === value.shape.channels && channels.every((channel, i) => channel === i)) return value;
  return {
    ...value,
    shape: { ...value.shape, channels: channels.length },
    terms: value.terms.map((term) => ({ ...term, kernel: pickOutputs(denseKernel(term), channels) })),
    bias: pickBias(value.bias, value.shape.channels, channels),
  };
}

/** Channels first .. first + count - 1. */
export function sliceChannels(value: AffineValue, first: number, count: number): AffineValue {
  return pickChannels(
    value,
    Array.from({ length: count }, (_, i) => first + i),
  );
}

/** Channels stacked; all values have one map size. */
export function concatValues(values: readonly AffineValue[]): AffineValue {
  const channels = values.reduce((sum, { shape }) => sum + shape.channels, 0);
  const terms: AffineTerm[] = [];
  let first = 0;
  for (const value of values) {
    for (const term of value.terms)
      terms.push({ ...term, kernel: placeOutputs(denseKernel(term), first, channels) });
    first += value.shape.channels;
  }
  const shape = { ...values[0].shape, channels };
  const bias = concatBiases(
    values.map((value) => value.bias),
    values.map((value) => value.shape),
  );
  return { ...values[0], shape, terms: mergeTerms(terms), bias };
}
