import { elementsOf } from '../geometry.ts';
import { type AffineValue, concatValues, pickChannels } from './affine.ts';
import { convolveValue } from './affine-convolution.ts';
import { diagonalKernel } from './dense-kernel.ts';
import type { NodeInputs, Operator } from './node-inputs.ts';
import { formatError } from './onnx-constant.ts';
import { exactly, unsupported } from './refusals.ts';
import { dimsOf, reshaped, transposed } from './view.ts';

/** ONNX operators that move elements (onnx/docs/Operators.md), as maps of affine values. The batch is left alone. */
export const SHAPE_OPERATORS: Record<string, Operator> = {
  Concat: (inputs) => {
    const values = inputs.node.inputs.map((_, index) => inputs.value(index));
    if (values.length === 0) throw formatError(`node ${inputs.node.label} has no inputs`);
    const axis = axisOf(inputs.node.integer('axis', 1), values[0], inputs);
    const [{ shape, flat }] = values;
    if (axis !== 1)
      throw unsupported(
        `it joins along axis ${axis}, not along the channels: write it as the sum of two padded maps`,
      );
    const alike = values.every(
      (value) =>
        value.flat === flat && value.shape.height === shape.height && value.shape.width === shape.width,
    );
    if (!alike) throw unsupported('its inputs differ in map size: pad or pool them to one');
    return concatValues(values);
  },

  Split: (inputs) => {
    const { node } = inputs;
    const value = channelled(inputs);
    if (axisOf(node.integer('axis', 0), value, inputs) !== 1)
      throw unsupported('it splits another axis than the channels: use Slice');
    const { channels } = value.shape;
    const parts = node.outputs.length;
    const equal = () => new Array<number>(parts).fill(Math.ceil(channels / parts));
    const given = inputs.has(1) ? [...inputs.constant(1).values] : node.integers('split', equal());
    const sizes = given.map((size, i) =>
      i < parts - 1 || inputs.has(1) ? size : channels - sum(given.slice(0, i)),
    );
    if (sum(sizes) !== channels || sizes.some((size) => size < 1 || !Number.isInteger(size)))
      throw formatError(`node ${node.label}: parts of ${sizes.join(', ')} of ${channels} channels`);
    return sizes.map((size, i) => pickChannels(value, range(sum(sizes.slice(0, i)), size)));
  },

  Slice: (inputs) => slice(inputs),

  Gather: (inputs) => {
    const value = channelled(inputs);
    if (axisOf(inputs.node.integer('axis', 0), value, inputs) !== 1)
      throw unsupported('it picks along another axis than the channels: use Slice');
    const { dims, values } = inputs.constant(1);
    const { channels } = value.shape;
    const picked = [...values].map((index) => (index < 0 ? index + channels : index));
    if (
      dims.length !== 1 ||
      !picked.every((index) => Number.isInteger(index) && index >= 0 && index < channels)
    )
      throw unsupported(
        'it picks channels in another way than by a list of their numbers: give it a list of one dimension',
      );
    return pickChannels(value, picked);
  },

  Flatten: (inputs) => {
    const value = inputs.viewed(0);
    if (axisOf(inputs.node.integer('axis', 1), value, inputs) !== 1)
      throw unsupported('it flattens the batch: use axis 1');
    return reshaped(value, [elementsOf(value.shape)]);
  },

  Reshape: (inputs) => {
    const value = inputs.viewed(0);
    const from = [1, ...dimsOf(value)];
    const copy = inputs.node.integer('allowzero', 0) === 0;
    const target = [...inputs.constant(1).values].map((size, i) =>
      size === 0 && copy ? (from[i] ?? 0) : size,
    );
    const elements = elementsOf(value.shape);
    const [batch, ...sizes] = target;
    const known = product(sizes.filter((size) => size !== -1));
    const dims = sizes.map((size) => (size === -1 ? elements / known : size));
    const sound =
      batch >= -1 && dims.length > 0 && product(dims) === elements && dims.every(Number.isInteger);
    if (!sound || target.filter((size) => size === -1).length > 1)
      throw unsupported(
        `it reshapes ${from.join('x')} to ${target.join('x')}, which mixes images of a batch: keep the first axis`,
      );
    return reshaped(value, dims);
  },

  Squeeze: (inputs) => {
    const value = inputs.viewed(0);
    const dims = [1, ...dimsOf(value)];
    const named = inputs.has(1) ? [...inputs.constant(1).values] : anyIntegers(inputs, 'axes');
    const axes =
      named?.map((axis) => axisOf(axis, value, inputs)) ?? [...dims.keys()].filter((i) => dims[i] === 1);
    if (named && axes.some((axis) => axis === 0 || dims[axis] !== 1))
      throw unsupported(
        `it drops axes ${axes.join(', ')} of ${dims.join('x')}: drop axes of size 1 behind the batch`,
      );
    const rest = dims.filter((_, axis) => axis > 0 && !axes.includes(axis));
    return reshaped(value, rest.length > 0 ? rest : [1]);
  },

  Unsqueeze: (inputs) => {
    const value = inputs.viewed(0);
    const added = inputs.has(1) ? [...inputs.constant(1).values] : (anyIntegers(inputs, 'axes') ?? []);
    const dims = [1, ...dimsOf(value)];
    const rank = dims.length + added.length;
    for (const axis of added.map((a) => (a < 0 ? a + rank : a)).sort((a, b) => a - b)) {
      if (!(axis > 0 && axis <= dims.length))
        throw unsupported(`it adds an axis at ${axis}: add it behind the batch`);
      dims.splice(axis, 0, 1);
    }
    return reshaped(value, dims.slice(1));
  },

  Transpose: (inputs) => {
    const value = inputs.viewed(0);
    const rank = dimsOf(value).length + 1;
    const order = inputs.node.integers('perm', range(0, rank).reverse());
    if (order.toSorted((a, b) => a - b).some((axis, i) => axis !== i))
      throw formatError(`node ${inputs.node.label}: perm ${order.join()} is no order of ${rank} axes`);
    if (order[0] !== 0) throw unsupported('it moves the batch: keep axis 0 first');
    return transposed(
      value,
      order.slice(1).map((axis) => axis - 1),
    );
  },
};

/** Slices of channels, rows and columns; steps above 1 must be those of rows and columns alike. */
function slice(inputs: NodeInputs): AffineValue {
  const value = channelled(inputs);
  const list = (index: number, name: string) =>
    inputs.has(index) ? [...inputs.constant(index).values] : anyIntegers(inputs, name);
  const [starts, ends] = [list(1, 'starts') ?? [], list(2, 'ends') ?? []];
  const axes = (list(3, 'axes') ?? range(0, starts.length)).map((axis) => axisOf(axis, value, inputs));
  const steps = list(4, 'steps') ?? starts.map(() => 1);
  const sizes = [1, ...dimsOf(value), ...(value.flat ? [1, 1] : [])];
  const spans = sizes.map((size) => ({ first: 0, end: size, step: 1 }));
  for (const [i, axis] of axes.entries()) {
    const size = sizes[axis];
    const clamp = (at: number) => Math.min(size, Math.max(0, at < 0 ? at + size : at));
    spans[axis] = { first: clamp(starts[i]), end: clamp(ends[i]), step: steps[i] };
  }
  const counts = spans.map(({ first, end, step }) => Math.ceil((end - first) / step));
  const [batch, channels, rows, columns] = spans;
  if (counts[0] !== 1 || batch.first !== 0)
    throw unsupported('it slices the batch: export one image and keep axis 0');
  if (!counts.every((count) => count >= 1) || spans.some(({ step }) => !(step >= 1)))
    throw unsupported(
      'it leaves nothing, or goes backwards: slice forwards, and turn the weights behind it round',
    );
  const picked = pickChannels(
    value,
    range(0, counts[1]).map((i) => channels.first + i * channels.step),
  );
  if (value.flat || (counts[2] === value.shape.height && counts[3] === value.shape.width)) return picked;
  const window = {
    strideY: counts[2] > 1 ? rows.step : 1,
    strideX: counts[3] > 1 ? columns.step : 1,
    padTop: -rows.first,
    padLeft: -columns.first,
    outHeight: counts[2],
    outWidth: counts[3],
  };
  const kernel = diagonalKernel(counts[1], 1, 1, 1);
  return exactly(convolveValue(picked, kernel, new Float64Array(counts[1]), window));
}

/** Input 0, if its axis 1 are channels: a map, or a vector of single elements. */
function channelled(inputs: NodeInputs): AffineValue {
  const value = inputs.value(0);
  if (value.flat && value.shape.height * value.shape.width > 1)
    throw unsupported('it takes a flattened map apart: do so before Flatten, or in the Gemm behind it');
  return value;
}

function anyIntegers({ node }: NodeInputs, name: string): number[] | null {
  return node.has(name) ? node.integers(name, [], null) : null;
}

/** An axis counted from 0, which is the batch. */
function axisOf(axis: number, value: AffineValue, { node }: NodeInputs): number {
  const rank = dimsOf(value).length + 1;
  const counted = axis < 0 ? axis + rank : axis;
  if (!(counted >= 0 && counted < rank)) throw formatError(`node ${node.label}: axis ${axis} of ${rank}`);
  return counted;
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
