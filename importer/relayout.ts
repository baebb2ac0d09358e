import { elementsOf } from '../model/geometry.ts';
import type { Shape } from '../model/shape.ts';
import { type AffineValue, pickChannels } from './affine.ts';
import { convolveValue, poolGlobally, type Window } from './affine-convolution.ts';
import { type Bias, lazyBias, noBias } from './bias.ts';
import { diagonalKernel, makeKernel } from './dense-kernel.ts';
import {
  CHANNEL_STEPS,
  type Dim,
  elementSteps,
  factorsOf,
  flipped,
  hasOnly,
  isFlipped,
  type Layout,
  offsetsOf,
  regrouped,
  sizeOf,
  wholeAxis,
  withChannelOrder,
} from './layout.ts';
import { exactly, InexactError, unsupported } from './refusals.ts';

/** Linear maps along axes of the graph, in any layout. */

/** A window that is the map itself. */
const ONE = { strideY: 1, strideX: 1, padTop: 0, padLeft: 0, outHeight: 1, outWidth: 1 };

/** Most elements that are taken one by one: they need the square of their number of weights, 128 MB while composed. */
export const MOST_APART = 4096;

/** Returns the value with its pending factors applied. */
export function settled(value: AffineValue): AffineValue {
  return value.gain ? vectorised(value) : value;
}

/** The value with its channels in the order of the graph's axes. */
export function inChannelOrder(value: AffineValue, order = channelFactors(value.layout)): AffineValue {
  const picked = pickChannels(value, [...offsetsOf(order, CHANNEL_STEPS)]);
  return { ...picked, layout: withChannelOrder(value.layout, order) };
}

function channelFactors(layout: Layout): Dim {
  return factorsOf(layout.flat(), 'channels');
}

/**
 * Converts the value to a vector in the graph's order: every element is a channel of a map of 1x1, from which any
 * layout can be derived. Throws InexactError if this needs too many weights.
 */
export function vectorised(value: AffineValue): AffineValue {
  const { shape, layout, gain } = value;
  const { channels, height, width } = shape;
  if (height * width === 1 && !gain) return inChannelOrder(value);
  const depth = elementsOf(shape);
  if (depth > MOST_APART)
    throw new InexactError(
      gain
        ? `it multiplies ${depth} elements by factors of their own, which no convolution has: use one factor per channel or, as the mask of a Relu, Add(Mul(Relu(X), M), Mul(X, 1 - M))`
        : `it takes ${depth} elements in an order that no convolution has: pool before it, or reshape and transpose in another way`,
    );
  const order = layout.flat().filter(({ axis }) => axis !== 'batch');
  const places = offsetsOf(order, elementSteps(shape));
  const kernel = makeKernel(depth, channels, height, width, (data) => {
    for (const [i, at] of places.entries()) data[i * depth + at] = gain?.[at] ?? 1;
  });
  // The pending factor applies only to the terms; the bias already includes it.
  const bare = { ...value, gain: undefined, bias: noBias(channels) };
  const picked = exactly(convolveValue(bare, kernel, new Float64Array(depth), ONE));
  const bias = placedBias(value.bias, shape, places);
  let stride = depth;
  const dims = layout.map((dim): Dim => {
    if (!hasOnly(dim, 'channels', 'height', 'width')) return dim;
    stride /= sizeOf(dim);
    return dim.length === 0 ? [] : [{ axis: 'channels', size: sizeOf(dim), stride }];
  });
  return { ...picked, layout: dims, bias };
}

/** The bias of the elements at `places`. */
function placedBias(bias: Bias, { channels, height, width }: Shape, places: Int32Array): Bias {
  return lazyBias(() => {
    const { values } = bias;
    const area = values.length / channels;
    return Float64Array.from(places, (at) => values[Math.floor((at * area) / (height * width))]);
  });
}

/** The same elements in the same order under other sizes, the batch's included. Throws 'model/unsupported'. */
export function reshaped(value: AffineValue, sizes: readonly number[]): AffineValue {
  const layout = regrouped(value.layout, sizes);
  if (layout) return { ...value, layout };
  const vector = vectorised(value);
  const split = regrouped(vector.layout, sizes);
  if (!split) throw unsupported('it mixes the images of a batch: export the model for one image');
  return { ...vector, layout: split };
}

/** The positions `indices` of axis `at`, in that order. */
export function selectAlong(value: AffineValue, at: number, indices: readonly number[]): AffineValue {
  const dim = value.layout[at];
  if (indices.length === sizeOf(dim) && indices.every((index, i) => index === i)) return value;
  const along = settled(value);
  const own = along.layout[at];
  if (!hasOnly(own, 'channels', 'height', 'width'))
    throw unsupported('it picks images of a batch: export the model for one image');
  if (hasOnly(own, 'channels')) {
    const rest = along.layout.map((other, axis) => (axis === at ? [] : other));
    const others = offsetsOf(channelFactors(rest), CHANNEL_STEPS);
    const first = offsetsOf(own, CHANNEL_STEPS);
    const channels = indices.flatMap((index) => Array.from(others, (offset) => first[index] + offset));
    const layout = withChannelOrder(rest, channelFactors(rest)).with(
      at,
      indices.length === 1
        ? []
        : [{ axis: 'channels', size: indices.length, stride: sizeOf(channelFactors(rest)) }],
    );
    return { ...pickChannels(along, channels), layout };
  }
  if (mapAxis(along, flipped(own))) {
    const size = sizeOf(own);
    const forwards = { ...along, layout: along.layout.with(at, flipped(own)) };
    const mirrored = indices.map((index) => size - 1 - index).reverse();
    return flippedAlong(selectAlong(forwards, at, mirrored), at);
  }
  const axis = mapAxis(along, own);
  const step = indices.length > 1 ? indices[1] - indices[0] : 1;
  const even = indices.every((index, i) => index === indices[0] + i * step);
  if (axis && even && step < 0) return flippedAlong(selectAlong(along, at, indices.toReversed()), at);
  if (!axis || !even) return selectAlong(vectorised(along), at, indices);
  const { channels, height, width } = along.shape;
  const window =
    axis === 'height'
      ? { ...ONE, strideY: step, padTop: -indices[0], outHeight: indices.length, outWidth: width }
      : { ...ONE, strideX: step, padLeft: -indices[0], outWidth: indices.length, outHeight: height };
  const kernel = diagonalKernel(channels, 1, 1, 1);
  const cropped = exactly(convolveValue(along, kernel, new Float64Array(channels), window));
  return { ...cropped, layout: along.layout.with(at, wholeAxis(axis, indices.length)) };
}

function flippedAlong(value: AffineValue, at: number): AffineValue {
  return { ...value, layout: value.layout.with(at, flipped(value.layout[at])) };
}

/** Returns the map's axis that equals an axis of the graph, if this is exactly all rows or all columns in order. */
export function mapAxis({ shape }: Pick<AffineValue, 'shape'>, dim: Dim): 'height' | 'width' | null {
  if (dim.length !== 1 || dim[0].axis === 'channels' || dim[0].axis === 'batch' || isFlipped(dim))
    return null;
  return dim[0].size === shape[dim[0].axis] ? dim[0].axis : null;
}

/** A matrix [positions of an axis, outputs]. */
export interface Matrix {
  readonly outputs: number;
  at(position: number, output: number): number;
}

/** The value with axis `at` multiplied by a matrix: its positions become the outputs. */
export function contracted(value: AffineValue, at: number, matrix: Matrix): AffineValue {
  const { shape, layout, gain } = value;
  const dim = layout[at];
  const covered = (['height', 'width'] as const).map((axis) => sizeOf(factorsOf(dim, axis)));
  const whole = covered.every((size, i) => size === 1 || size === [shape.height, shape.width][i]);
  const everything = sizeOf(dim) === elementsOf(shape);
  if (!hasOnly(dim, 'channels', 'height', 'width'))
    throw unsupported('it multiplies along the batch: export the model for one image');
  if (!whole || (gain && !everything)) return contracted(vectorised(value), at, matrix);
  const rest = layout.map((other, axis) => (axis === at ? [] : other));
  const kept = offsetsOf(channelFactors(rest), CHANNEL_STEPS);
  const [rows, columns] = covered;
  const { outputs } = matrix;
  // The position of each index of the axis in a kernel of that many rows and columns.
  const steps = { batch: 0, channels: rows * columns, height: columns, width: 1 };
  const places = offsetsOf(dim, steps);
  const depth = shape.channels * rows * columns;
  const kernel = makeKernel(kept.length * outputs, shape.channels, rows, columns, (data) => {
    for (const [k, channel] of kept.entries())
      for (const [i, place] of places.entries()) {
        const from = channel * rows * columns + place;
        const factor = gain?.[from] ?? 1;
        for (let o = 0; o < outputs; o++) data[(k * outputs + o) * depth + from] = factor * matrix.at(i, o);
      }
  });
  const window: Window = {
    ...ONE,
    outHeight: rows > 1 ? 1 : shape.height,
    outWidth: columns > 1 ? 1 : shape.width,
  };
  const none = new Float64Array(kernel.out);
  const bare = { ...value, gain: undefined, bias: gain ? noBias(shape.channels) : value.bias };
  const product = exactly(convolveValue(bare, kernel, none, window));
  const order: Dim = [...channelFactors(rest), { axis: 'channels', size: outputs, stride: Number.NaN }];
  const marked = rest.with(at, outputs === 1 ? [] : [order[order.length - 1]]);
  const result = { ...product, layout: withChannelOrder(marked, outputs === 1 ? order.slice(0, -1) : order) };
  return gain ? { ...result, bias: gainedBias(value.bias, elementsOf(shape), places, matrix) } : result;
}

/** The bias of a vector with gain, which it has already, through a matrix. */
function gainedBias(bias: Bias, elements: number, places: Int32Array, { outputs, at }: Matrix): Bias {
  return lazyBias(() => {
    const { values } = bias;
    const sums = new Float64Array(outputs);
    for (const [i, place] of places.entries())
      for (let o = 0; o < outputs; o++)
        sums[o] += at(i, o) * values[Math.floor((place * values.length) / elements)];
    return sums;
  });
}

/** Computes the mean over some axes, each of which is kept with size 1. */
export function meanOver(value: AffineValue, axes: readonly number[]): AffineValue {
  let mean = settled(value);
  const { height, width } = mean.shape;
  const spatial = axes.flatMap((axis) => mean.layout[axis]);
  const pooled =
    sizeOf(factorsOf(spatial, 'height')) === height && sizeOf(factorsOf(spatial, 'width')) === width;
  if (pooled && height * width > 1) {
    const layout = mean.layout.map((dim) =>
      dim.filter(({ axis }) => axis === 'channels' || axis === 'batch'),
    );
    mean = { ...exactly(poolGlobally(mean)), layout };
  }
  for (const axis of axes) {
    const size = sizeOf(mean.layout[axis]);
    if (size > 1) mean = contracted(mean, axis, { outputs: 1, at: () => 1 / size });
  }
  return mean;
}
