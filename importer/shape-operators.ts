import { MAX_ELEMENTS, MAX_KERNEL, MAX_STRIDE } from '../model/limits.ts';
import { type AffineValue, addValues, concatValues } from './affine.ts';
import { convolveValue } from './affine-convolution.ts';
import { expanded } from './align.ts';
import { axesOf, axisOf } from './axes.ts';
import { perChannelBias } from './bias.ts';
import { diagonalKernel, makeKernel } from './dense-kernel.ts';
import {
  type Dim,
  factorsOf,
  hasOnly,
  type Layout,
  mapLayout,
  permuted,
  sameDim,
  sizeOf,
  sizesOf,
} from './layout.ts';
import type { Operator } from './node-inputs.ts';
import { type Constant, formatError } from './onnx-constant.ts';
import { exactly, unsupported } from './refusals.ts';
import { inChannelOrder, mapAxis, reshaped, selectAlong, vectorised } from './relayout.ts';

/** ONNX operators that move elements (onnx/docs/Operators.md), as maps of affine values. */
export const SHAPE_OPERATORS: Record<string, Operator> = {
  Concat: (inputs) => {
    const { node } = inputs;
    const indices = [...node.inputs.keys()];
    const computed = indices.filter((index) => !inputs.isConstant(index)).map((index) => inputs.value(index));
    if (computed.length === 0) inputs.value(0);
    const values = indices.map((index) =>
      inputs.isConstant(index) ? constantValue(inputs.constant(index), computed[0]) : inputs.value(index),
    );
    const sizes = values.map(({ layout }) => sizesOf(layout));
    const axis = axisOf(node.integer('axis', 1), sizes[0].length, node);
    const alike = sizes.every(
      (own) => own.length === sizes[0].length && own.every((size, i) => i === axis || size === sizes[0][i]),
    );
    if (!alike)
      throw unsupported(
        `its inputs of ${sizes.map((own) => own.join('x')).join(' and ')} differ in more than axis ${axis}: pad or pool them to one size`,
      );
    return joined(values, axis);
  },

  Split: (inputs) => {
    const { node } = inputs;
    const value = inputs.value(0);
    const axis = axisOf(node.integer('axis', 0), value.layout.length, node);
    const size = sizeOf(value.layout[axis]);
    const parts = node.outputs.length;
    const each = Math.ceil(size / parts);
    const equal = Array.from({ length: parts }, (_, i) => Math.min(each, size - i * each));
    const sizes = axesOf(inputs, 1, 'split') ?? equal;
    if (
      sizes.length < parts ||
      sum(sizes) !== size ||
      sizes.some((part) => part < 1 || !Number.isInteger(part))
    )
      throw formatError(`node ${node.label}: parts of ${sizes.join(', ')} of ${size} positions`);
    return sizes
      .slice(0, parts)
      .map((part, i) => selectAlong(value, axis, range(sum(sizes.slice(0, i)), part)));
  },

  Slice: (inputs) => {
    const { node } = inputs;
    const [starts, ends] = [axesOf(inputs, 1, 'starts') ?? [], axesOf(inputs, 2, 'ends') ?? []];
    const value = inputs.value(0);
    const rank = value.layout.length;
    const axes = (axesOf(inputs, 3, 'axes') ?? range(0, starts.length)).map((axis) =>
      axisOf(axis, rank, node),
    );
    const steps = axesOf(inputs, 4, 'steps') ?? starts.map(() => 1);
    if (ends.length !== starts.length || axes.length !== starts.length || steps.length !== starts.length)
      throw formatError(`node ${node.label}: starts, ends, axes and steps differ in number`);
    return axes.reduce((part, axis, i) => {
      const picked = sliced(sizeOf(part.layout[axis]), starts[i], ends[i], steps[i]);
      if (picked.length === 0)
        throw unsupported(
          `it leaves nothing of axis ${axis}: slice from ${starts[i]} to a larger position than ${ends[i]}`,
        );
      return selectAlong(part, axis, picked);
    }, value);
  },

  Gather: (inputs) => {
    const value = inputs.value(0);
    const axis = axisOf(inputs.node.integer('axis', 0), value.layout.length, inputs.node);
    const { dims, values } = inputs.constant(1);
    const size = sizeOf(value.layout[axis]);
    const picked = [...values].map((index) => (index < 0 ? index + size : index));
    if (
      !picked.every((index) => Number.isInteger(index) && index >= 0 && index < size) ||
      picked.length === 0
    )
      throw formatError(`node ${inputs.node.label}: positions ${picked.join()} of ${size}`);
    const windows = dims.length === 2 ? windowsAlong(value, axis, dims, picked) : null;
    if (windows) return windows;
    const along = selectAlong(value, axis, picked);
    if (dims.length === 1) return along;
    const sizes = sizesOf(along.layout);
    return reshaped(along, [...sizes.slice(0, axis), ...dims, ...sizes.slice(axis + 1)]);
  },

  GatherND: (inputs) => {
    const value = inputs.value(0);
    const { node } = inputs;
    const { dims, values } = inputs.constant(1);
    const from = sizesOf(value.layout);
    const depth = dims.at(-1) ?? 0;
    if (node.integer('batch_dims', 0) !== 0)
      throw unsupported('it gathers for each image of a batch: export the model for one image');
    if (dims.length < 1 || depth < 1 || depth > from.length)
      throw formatError(`node ${node.label}: positions of ${dims.join('x')} in ${from.join('x')}`);
    const picked = Array.from({ length: values.length / depth }, (_, i) => {
      const place = Array.from(values.subarray(i * depth, (i + 1) * depth));
      return place.reduce((at, index, axis) => at * from[axis] + (index < 0 ? index + from[axis] : index), 0);
    });
    const size = product(from.slice(0, depth));
    if (!picked.every((at) => Number.isInteger(at) && at >= 0 && at < size) || picked.length === 0)
      throw formatError(`node ${node.label}: positions beyond its input of ${from.join('x')}`);
    const rest = from.slice(depth);
    const along = selectAlong(reshaped(value, [size, ...rest]), 0, picked);
    return reshaped(along, [...dims.slice(0, -1), ...rest]);
  },

  Flatten: (inputs) => {
    const value = inputs.unsettled(0);
    const sizes = sizesOf(value.layout);
    const named = inputs.node.integer('axis', 1);
    // From the front the end counts as an axis, which flattens all; from the back it does not.
    const axis = axisOf(named, named < 0 ? sizes.length : sizes.length + 1, inputs.node);
    return reshaped(value, [product(sizes.slice(0, axis)), product(sizes.slice(axis))]);
  },

  Reshape: (inputs) => {
    const value = inputs.unsettled(0);
    const from = sizesOf(value.layout);
    const copy = inputs.node.integer('allowzero', 0) === 0;
    const target = (axesOf(inputs, 1, 'shape') ?? []).map((size, i) =>
      size === 0 && copy ? (from[i] ?? 0) : size,
    );
    const known = product(target.filter((size) => size !== -1));
    const sizes = target.map((size) => (size === -1 ? product(from) / known : size));
    const sound =
      product(sizes) === product(from) && sizes.every((size) => Number.isInteger(size) && size > 0);
    if (!sound || target.filter((size) => size === -1).length > 1)
      throw unsupported(
        `it reshapes ${from.join('x')} to ${target.join('x')}, which has another number of elements`,
      );
    return reshaped(value, sizes);
  },

  Squeeze: (inputs) => {
    const value = inputs.unsettled(0);
    const sizes = sizesOf(value.layout);
    const named = axesOf(inputs, 1, 'axes')?.map((axis) => axisOf(axis, sizes.length, inputs.node));
    if (named?.some((axis) => sizes[axis] !== 1))
      throw formatError(
        `node ${inputs.node.label} drops axes ${named.join(', ')} of ${sizes.join('x')}, and not all have size 1`,
      );
    return {
      ...value,
      layout: value.layout.filter((_, axis) => !(named ? named.includes(axis) : sizes[axis] === 1)),
    };
  },

  Unsqueeze: (inputs) => {
    const value = inputs.unsettled(0);
    const added = axesOf(inputs, 1, 'axes') ?? [];
    const rank = value.layout.length + added.length;
    const layout: Dim[] = [...value.layout];
    for (const axis of added.map((a) => axisOf(a, rank, inputs.node)).sort((a, b) => a - b))
      layout.splice(axis, 0, []);
    return { ...value, layout };
  },

  Transpose: (inputs) => {
    const value = inputs.unsettled(0);
    const rank = value.layout.length;
    const order = inputs.node.integers('perm', range(0, rank).reverse(), null);
    if (order.length !== rank || order.toSorted((a, b) => a - b).some((axis, i) => axis !== i))
      throw formatError(`node ${inputs.node.label}: perm ${order.join()} is no order of ${rank} axes`);
    return { ...value, layout: permuted(value.layout, order) };
  },

  Tile: (inputs) => {
    const value = inputs.value(0);
    const times = [...inputs.constant(1).values];
    if (
      times.length !== value.layout.length ||
      !times.every((count) => Number.isInteger(count) && count >= 1)
    )
      throw formatError(`node ${inputs.node.label}: repeats of ${times.join('x')}`);
    if (times.reduce((all, count) => all * count, 1) > MAX_ELEMENTS)
      throw unsupported(`it repeats its input ${times.join('x')} times, which is too much to hold`);
    const sizes = sizesOf(value.layout);
    const grown = expanded(
      value,
      sizes.map((size, axis) => (size === 1 ? times[axis] : size)),
    );
    return times.reduce(
      (sum, count, axis) => (sizes[axis] === 1 ? sum : joined(new Array(count).fill(sum), axis)),
      grown,
    );
  },

  /** Repeats axes of size 1. */
  Expand: (inputs) => {
    const value = inputs.value(0);
    const asked = [...inputs.constant(1).values];
    const own = sizesOf(value.layout);
    const rank = Math.max(own.length, asked.length);
    const [from, to] = [own, asked].map((sizes) => [
      ...new Array<number>(rank - sizes.length).fill(1),
      ...sizes,
    ]);
    const sizes = to.map((size, axis) => Math.max(size, from[axis]));
    if (sizes.some((size, axis) => from[axis] !== 1 && from[axis] !== size))
      throw formatError(`node ${inputs.node.label} expands ${own.join('x')} to ${asked.join('x')}`);
    return expanded(value, sizes);
  },

  SpaceToDepth: (inputs) => {
    const value = inputs.unsettled(0);
    const [batch, channels, height, width] = sizesOf(value.layout);
    const b = inputs.node.integer('blocksize', 1);
    if (value.layout.length !== 4 || !(b >= 1) || height % b !== 0 || width % b !== 0)
      throw formatError(`node ${inputs.node.label}: blocks of ${b} in a map of ${height}x${width}`);
    const split = reshaped(value, [batch, channels, height / b, b, width / b, b]);
    const turned = { ...split, layout: permuted(split.layout, [0, 3, 5, 1, 2, 4]) };
    return reshaped(turned, [batch, channels * b * b, height / b, width / b]);
  },

  DepthToSpace: (inputs) => {
    const value = inputs.unsettled(0);
    const [batch, channels, height, width] = sizesOf(value.layout);
    const b = inputs.node.integer('blocksize', 1);
    if (value.layout.length !== 4 || !(b >= 1) || channels % (b * b) !== 0)
      throw formatError(`node ${inputs.node.label}: blocks of ${b} of ${channels} channels`);
    const depth = channels / (b * b);
    const first = inputs.node.text('mode', 'DCR') === 'CRD';
    const split = reshaped(value, [batch, ...(first ? [depth, b, b] : [b, b, depth]), height, width]);
    const order = first ? [0, 1, 4, 2, 5, 3] : [0, 3, 4, 1, 5, 2];
    const turned = { ...split, layout: permuted(split.layout, order) };
    return reshaped(turned, [batch, depth, height * b, width * b]);
  },
};

/** Values that differ in axis `at` alone, one behind the other along it. */
function joined(values: readonly AffineValue[], at: number): AffineValue {
  if (values.length === 1) return values[0];
  const axis = values.map((value) => mapAxis(value, value.layout[at])).find((own) => own !== null);
  const rest = (layout: Layout) => layout.map((dim, i) => (i === at ? [] : dim));
  const along = ({ shape, layout }: AffineValue) =>
    layout[at].length === 0 ? shape[axis!] === 1 : mapAxis({ shape }, layout[at]) === axis;
  if (axis && values.every(along) && sameRest(values.map(({ layout }) => rest(layout))))
    return stacked(values, at, axis);
  const tails = values.map(({ layout, shape }) => {
    const [first, ...tail] = layout[at];
    const whole = first?.axis === 'channels' && first.size === shape.channels;
    return whole && !hasOnly(tail, 'channels') ? tail : null;
  });
  const [tail] = tails;
  // Flattened maps, channels outermost.
  if (tail && tails.every((other) => other && sameDim(other, tail)) && sameMaps(values)) {
    const whole = concatValues(values);
    const channels: Dim = [{ axis: 'channels', size: whole.shape.channels, stride: 1 }];
    return { ...whole, layout: values[0].layout.with(at, [...channels, ...tail]) };
  }
  const ordered = values.map((value) => {
    const turned = hasOnly(value.layout[at], 'channels') ? value : vectorised(value);
    return inChannelOrder(turned, [
      ...turned.layout[at],
      ...factorsOf(rest(turned.layout).flat(), 'channels'),
    ]);
  });
  const others = ordered.map(({ layout }) => rest(layout));
  if (!sameRest(others) || !sameMaps(ordered)) {
    const vectors = values.map(vectorised);
    if (values.every((value, i) => value === vectors[i]))
      throw unsupported('its inputs are laid out in ways that have nothing in common: reshape them alike');
    return joined(vectors, at);
  }
  const whole = concatValues(ordered);
  const size = sum(ordered.map(({ layout }) => sizeOf(layout[at])));
  const inner = whole.shape.channels / size;
  return { ...whole, layout: others[0].with(at, [{ axis: 'channels', size, stride: inner }]) };
}

function sameMaps(values: readonly AffineValue[]): boolean {
  const [{ shape }] = values;
  return values.every((value) => value.shape.height === shape.height && value.shape.width === shape.width);
}

function sameRest(layouts: readonly Layout[]): boolean {
  return layouts.every((layout) => layout.every((dim, i) => sameDim(dim, layouts[0][i])));
}

/** Maps one behind the other along rows or columns: the sum of all, each padded to the whole. */
function stacked(values: readonly AffineValue[], at: number, axis: 'height' | 'width'): AffineValue {
  const total = sum(values.map(({ shape }) => shape[axis]));
  let first = 0;
  const placed = values.map((value) => {
    const { channels, height, width } = value.shape;
    const rows = axis === 'height';
    const window = {
      strideY: 1,
      strideX: 1,
      padTop: rows ? first : 0,
      padLeft: rows ? 0 : first,
      outHeight: rows ? total : height,
      outWidth: rows ? width : total,
    };
    first += value.shape[axis];
    return exactly(
      convolveValue(value, diagonalKernel(channels, 1, 1, 1), new Float64Array(channels), window),
    );
  });
  const whole = placed.reduce(addValues);
  return { ...whole, layout: values[0].layout.with(at, [{ axis, size: total, stride: 1 }]) };
}

/** A constant as a value that reads no tensor, a map or vector like another value. */
function constantValue({ dims, values }: Constant, like: AffineValue): AffineValue {
  const [batch] = like.layout;
  const images = sizeOf(batch);
  if (dims.length !== like.layout.length || (dims[0] !== images && dims[0] !== 1) || dims.length < 2)
    throw unsupported(`it joins a constant of ${dims.join('x')} to ${sizesOf(like.layout).join('x')}`);
  const elements = values.length / dims[0];
  const map = dims.length === 3 || dims.length === 4;
  const [channels, height, width] = map
    ? dims.length === 4
      ? dims.slice(1)
      : [dims[1], 1, dims[2]]
    : [elements, 1, 1];
  const shape = { channels, height, width };
  const one = Float64Array.from(values.subarray(0, elements));
  for (let i = elements; i < values.length; i++)
    if (values[i] !== one[i % elements]) throw unsupported('it joins a constant that differs between images');
  const bias = { values: perChannelBias(one, channels) };
  const wide = { shape, layout: mapLayout(shape, batch, map ? dims.length : 4), terms: [], bias };
  return map ? wide : reshaped(wide, [images, ...dims.slice(1)]);
}

/**
 * Windows of rows or columns that lie evenly, as F.unfold takes them: a convolution that gives each position of a
 * window a channel of its own. `picked` are the positions [window, position] or [position, window]; null where they
 * lie otherwise.
 */
function windowsAlong(
  value: AffineValue,
  at: number,
  dims: readonly number[],
  picked: readonly number[],
): AffineValue | null {
  const axis = mapAxis(value, value.layout[at]);
  const [rows, columns] = dims;
  const [down, right] = [rows > 1 ? picked[columns] - picked[0] : 1, columns > 1 ? picked[1] - picked[0] : 1];
  const even = picked.every(
    (place, i) => place === picked[0] + Math.floor(i / columns) * down + (i % columns) * right,
  );
  if (!axis || !even || down < 1 || right < 1) return null;
  const tapsFirst = rows <= columns;
  const [taps, windows] = tapsFirst ? [rows, columns] : [columns, rows];
  const [apart, stride] = tapsFirst ? [down, right] : [right, down];
  const extent = (taps - 1) * apart + 1;
  if (extent > MAX_KERNEL || stride > MAX_STRIDE) return null;
  const { channels, height, width } = value.shape;
  const vertical = axis === 'height';
  const area = channels * extent;
  const kernel = makeKernel(
    channels * taps,
    channels,
    vertical ? extent : 1,
    vertical ? 1 : extent,
    (data) => {
      for (let c = 0; c < channels; c++)
        for (let tap = 0; tap < taps; tap++) data[(c * taps + tap) * area + c * extent + tap * apart] = 1;
    },
  );
  const window = {
    strideY: vertical ? stride : 1,
    strideX: vertical ? 1 : stride,
    padTop: vertical ? -picked[0] : 0,
    padLeft: vertical ? 0 : -picked[0],
    outHeight: vertical ? windows : height,
    outWidth: vertical ? width : windows,
  };
  const found = convolveValue(value, kernel, new Float64Array(kernel.out), window);
  if (typeof found === 'string') return null;
  const layout: Dim[] = value.layout.map((dim) =>
    dim.map((factor) => (factor.axis === 'channels' ? { ...factor, stride: factor.stride * taps } : factor)),
  );
  const tapDim: Dim = taps === 1 ? [] : [{ axis: 'channels', size: taps, stride: 1 }];
  const windowDim: Dim = windows === 1 ? [] : [{ axis, size: windows, stride: 1 }];
  return {
    ...found,
    layout: layout.toSpliced(at, 1, ...(tapsFirst ? [tapDim, windowDim] : [windowDim, tapDim])),
  };
}

/** Positions of a Slice: ends beyond the axis are its ends. */
function sliced(size: number, start: number, end: number, step: number): number[] {
  const clamp = (at: number, low: number, high: number) =>
    Math.min(high, Math.max(low, at < 0 ? at + size : at));
  const picked: number[] = [];
  if (step > 0) {
    const last = clamp(end, 0, size);
    for (let at = clamp(start, 0, size); at < last; at += step) picked.push(at);
  } else if (step < 0) {
    const last = clamp(end, -1, size - 1);
    for (let at = clamp(start, -1, size - 1); at > last; at += step) picked.push(at);
  }
  return picked;
}

function range(first: number, count: number): number[] {
  return Array.from({ length: count }, (_, i) => first + i);
}

function sum(values: readonly number[]): number {
  return values.reduce((a, b) => a + b, 0);
}

function product(values: readonly number[]): number {
  return values.reduce((a, b) => a * b, 1);
}
