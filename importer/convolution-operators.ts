import { MAX_KERNEL, MAX_SIDE } from '../model/limits.ts';
import { type AffineValue, pickChannels, scaleValue } from './affine.ts';
import { convolveValue, type Window } from './affine-convolution.ts';
import { axisOf } from './axes.ts';
import { placeBias } from './bias.ts';
import { type DenseKernel, diagonalKernel, makeKernel, placeOutputs } from './dense-kernel.ts';
import { CHANNEL_STEPS, factorsOf, hasOnly, offsetsOf, sizeOf, withChannelOrder } from './layout.ts';
import { type NodeInputs, type Operator, perChannel } from './node-inputs.ts';
import { type Constant, formatError } from './onnx-constant.ts';
import { exactly, unsupported } from './refusals.ts';
import { mapAxis, vectorised } from './relayout.ts';
import { convolveMap, mapSize } from './spatial.ts';
import { outSize, padsOf, shared, sides, windowOf } from './window.ts';

/** ONNX convolutions and padding (onnx/docs/Operators.md), as convolutions of affine values. */
export const CONVOLUTION_OPERATORS: Record<string, Operator> = {
  Conv: (inputs) => {
    const { node } = inputs;
    const value = inputs.value(0);
    const size = mapSize(value);
    const rank = value.layout.length - 2;
    const weights = weightsOf(inputs, rank);
    const [out, perGroup, height, width] = weights.dims;
    const groups = node.integer('group', 1);
    if (groups < 1 || out % groups !== 0 || perGroup * groups !== size.channels)
      throw formatError(
        `node ${node.label}: weights ${weights.dims.join('x')} in ${groups} groups for ${size.channels} channels`,
      );
    const [dilationY, dilationX] = sides(node, 'dilations', rank, 1, MAX_KERNEL);
    const kernel = groupedKernel(weights, groups, dilationY, dilationX);
    const bias = inputs.has(2) ? perChannel(inputs, 2, out) : new Float64Array(out);
    node.integers('kernel_shape', [height, width].slice(-rank)).forEach((given, i) => {
      if (given !== weights.dims[4 - rank + i])
        throw formatError(`node ${node.label}: kernel_shape is not that of the weights`);
    });
    return exactly(convolveMap(value, kernel, bias, windowOf(node, size, kernel, rank)));
  },

  /**
   * Adds the kernel, times each element of the input, at distances of the strides: a convolution of the input with
   * zeros in between.
   */
  ConvTranspose: (inputs) => {
    const { node } = inputs;
    const value = inputs.value(0);
    const { channels, height, width } = mapSize(value);
    const rank = value.layout.length - 2;
    const weights = weightsOf(inputs, rank);
    const groups = node.integer('group', 1);
    if (groups < 1 || weights.dims[0] !== channels || channels % groups !== 0)
      throw formatError(
        `node ${node.label}: weights ${weights.dims.join('x')} in ${groups} groups for ${channels} channels`,
      );
    const strides = sides(node, 'strides', rank, 1, MAX_SIDE);
    const [dilationY, dilationX] = sides(node, 'dilations', rank, 1, MAX_KERNEL);
    const kernel = transposedKernel(weights, groups, dilationY, dilationX);
    const more = node.integers('output_padding', new Array<number>(rank).fill(0));
    const added = rank === 1 ? [0, more[0]] : more;
    const full = [height, width].map(
      (size, i) => (size - 1) * strides[i] + [kernel.height, kernel.width][i] + added[i],
    );
    const auto = node.text('auto_pad', 'NOTSET');
    let pads = auto === 'VALID' ? [0, 0, 0, 0] : padsOf(node, rank);
    const asked = node.has('output_shape') ? node.integers('output_shape', [], null).slice(-rank) : null;
    if (asked || auto.startsWith('SAME')) {
      const wanted = asked
        ? rank === 1
          ? [1, ...asked]
          : asked
        : [height, width].map((size, i) => size * strides[i]);
      // The runtime crops the larger half from the end for SAME_UPPER and from the front otherwise.
      const totals = full.map((size, i) => size - wanted[i]);
      pads = shared(
        totals.map((total) => Math.max(0, total)),
        auto === 'SAME_UPPER' ? auto : 'SAME_LOWER',
      );
    }
    const sizes = full.map((size, i) => outSize(node, size - pads[i] - pads[i + 2]));
    const bias = inputs.has(2) ? perChannel(inputs, 2, kernel.out) : new Float64Array(kernel.out);
    const window: Window = {
      strideY: 1,
      strideX: 1,
      padTop: kernel.height - 1 - pads[0],
      padLeft: kernel.width - 1 - pads[1],
      outHeight: sizes[0],
      outWidth: sizes[1],
    };
    return exactly(convolveMap(value, kernel, bias, window, { y: strides[0], x: strides[1] }));
  },

  Pad: (inputs) => {
    const { node } = inputs;
    const value = inputs.value(0);
    if (node.text('mode', 'constant') !== 'constant')
      throw unsupported(
        `it pads by ${node.text('mode', '')} in an unsupported way: pad by a constant number of at most 16 on each side, or train with zero padding`,
      );
    const rank = value.layout.length;
    const filler = inputs.has(2) ? inputs.constant(2).values[0] : node.limit('value', 0);
    if (!Number.isFinite(filler) || Math.abs(filler) > 1e30)
      throw unsupported(
        'it pads with infinity, and other operators than a MaxPool read it: pad in the MaxPool',
      );
    const given = inputs.has(1) ? [...inputs.constant(1).values] : node.integers('pads', [], null);
    const pads = inputs.has(3) ? spread(given, [...inputs.constant(3).values], rank, inputs) : given;
    if (pads.length !== 2 * rank || !pads.every((pad) => Number.isInteger(pad) && Math.abs(pad) <= MAX_SIDE))
      throw formatError(`node ${node.label}: pads must be ${2 * rank} integers up to ${MAX_SIDE}`);
    const shifted = scaleValue(value, 1, -filler);
    const padded = [...value.layout.keys()].reduce(
      (sum, axis) => padAlong(inputs, sum, axis, pads[axis], pads[axis + rank]),
      shifted,
    );
    return scaleValue(padded, 1, filler);
  },
};

/** The value with zeros before and after along one axis; negative numbers drop positions. */
function padAlong(
  inputs: NodeInputs,
  value: AffineValue,
  at: number,
  before: number,
  after: number,
): AffineValue {
  if (before === 0 && after === 0) return value;
  const dim = value.layout[at];
  const size = sizeOf(dim) + before + after;
  if (size < 1) throw formatError(`node ${inputs.node.label} pads an axis to ${size} positions`);
  if (!hasOnly(dim, 'channels', 'height', 'width'))
    throw unsupported('it pads the batch: export the model for one image');
  const { channels, height, width } = value.shape;
  const axis = sizeOf(dim) === 1 && at >= 2 ? freeAxis(value, at) : mapAxis(value, dim);
  if (axis) {
    const rows = axis === 'height';
    const window: Window = {
      strideY: 1,
      strideX: 1,
      padTop: rows ? before : 0,
      padLeft: rows ? 0 : before,
      outHeight: outSize(inputs.node, rows ? size : height),
      outWidth: outSize(inputs.node, rows ? width : size),
    };
    const identity = diagonalKernel(channels, 1, 1, 1);
    const padded = exactly(convolveValue(value, identity, new Float64Array(channels), window));
    return { ...padded, layout: value.layout.with(at, size === 1 ? [] : [{ axis, size, stride: 1 }]) };
  }
  if (!hasOnly(dim, 'channels')) return padAlong(inputs, vectorised(value), at, before, after);
  const rest = value.layout.map((other, i) => (i === at ? [] : other));
  const others = factorsOf(rest.flat(), 'channels');
  const kept = offsetsOf(dim, CHANNEL_STEPS).slice(Math.max(0, -before), sizeOf(dim) - Math.max(0, -after));
  const inner = offsetsOf(others, CHANNEL_STEPS);
  const picked = pickChannels(
    value,
    [...kept].flatMap((first) => Array.from(inner, (offset) => first + offset)),
  );
  const first = Math.max(0, before) * inner.length;
  const out = size * inner.length;
  return {
    shape: { channels: out, height, width },
    layout: withChannelOrder(rest, others).with(
      at,
      size === 1 ? [] : [{ axis: 'channels', size, stride: inner.length }],
    ),
    terms: picked.terms.map((term) => ({
      ...term,
      kernel: placeOutputs(term.kernel ?? diagonalKernel(term.from.channels, 1, 1, 1), first, out),
    })),
    bias: placeBias(picked.bias, picked.shape.channels, first, out),
  };
}

/** Returns the map's rows or columns if no axis of the graph uses them, for an axis of size 1 after the channels. */
function freeAxis({ shape, layout }: AffineValue, at: number): 'height' | 'width' | null {
  const last = at === layout.length - 1;
  const order = last ? (['width', 'height'] as const) : (['height', 'width'] as const);
  return order.find((axis) => shape[axis] === 1) ?? null;
}

/** Pads of the named axes as pads of all. */
function spread(
  pads: readonly number[],
  axes: readonly number[],
  rank: number,
  { node }: NodeInputs,
): number[] {
  const all = new Array<number>(2 * rank).fill(0);
  for (const [i, axis] of axes.entries()) {
    const at = axisOf(axis, rank, node);
    [all[at], all[at + rank]] = [pads[i] ?? 0, pads[i + axes.length] ?? 0];
  }
  return all;
}

/** Input 1, with a height of 1 for signals. */
function weightsOf(inputs: NodeInputs, rank: number): Constant {
  const { dims, values } = inputs.constant(1);
  if (dims.length !== rank + 2)
    throw formatError(`node ${inputs.node.label}: weights ${dims.join('x')} for a map of ${rank} axes`);
  const sizes = rank === 1 ? [dims[0], dims[1], 1, dims[2]] : dims;
  const [height, width] = sizes.slice(2);
  if (height < 1 || width < 1 || height > MAX_KERNEL || width > MAX_KERNEL)
    throw unsupported(`its kernel of ${height}x${width} is larger than ${MAX_KERNEL}: pool before it`);
  return { dims: sizes, values };
}

/** Weights [out, in / groups, kh, kw] as a kernel over all channels, with zeros between dilated taps. */
function groupedKernel(
  { dims, values }: Constant,
  groups: number,
  dilationY: number,
  dilationX: number,
): DenseKernel {
  const [out, perGroup, height, width] = dims;
  const extent = [(height - 1) * dilationY + 1, (width - 1) * dilationX + 1] as const;
  return makeKernel(out, perGroup * groups, ...extent, (data) => {
    const channels = perGroup * groups;
    let next = 0;
    for (let o = 0; o < out; o++) {
      const firstIn = Math.floor(o / (out / groups)) * perGroup;
      for (let c = firstIn; c < firstIn + perGroup; c++)
        for (let y = 0; y < height; y++)
          for (let x = 0; x < width; x++) {
            const row = (o * channels + c) * extent[0] + y * dilationY;
            data[row * extent[1] + x * dilationX] = values[next++];
          }
    }
  });
}

/**
 * Likewise for weights [in, out / groups, kh, kw] of a transposed convolution, as [out, in, kh, kw] and rotated by 180
 * degrees.
 */
function transposedKernel(
  { dims, values }: Constant,
  groups: number,
  dilationY: number,
  dilationX: number,
): DenseKernel {
  const [channels, perGroup, height, width] = dims;
  const extent = [(height - 1) * dilationY + 1, (width - 1) * dilationX + 1] as const;
  return makeKernel(perGroup * groups, channels, ...extent, (data) => {
    let next = 0;
    for (let c = 0; c < channels; c++) {
      const firstOut = Math.floor(c / (channels / groups)) * perGroup;
      for (let o = firstOut; o < firstOut + perGroup; o++)
        for (let y = 0; y < height; y++)
          for (let x = 0; x < width; x++) {
            const row = (o * channels + c + 1) * extent[0] - 1 - y * dilationY;
            data[(row + 1) * extent[1] - 1 - x * dilationX] = values[next++];
          }
    }
  });
}
