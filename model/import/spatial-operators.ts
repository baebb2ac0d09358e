import type { Shape } from '../card.ts';
import { MAX_KERNEL, MAX_SIDE, MAX_STRIDE } from '../limits.ts';
import type { AffineValue } from './affine.ts';
import { convolveValue, poolGlobally, type Window } from './affine-convolution.ts';
import { type DenseKernel, diagonalKernel, makeKernel } from './dense-kernel.ts';
import { exactly, type NodeInputs, type Operator, perChannel, unsupported } from './node-inputs.ts';
import { type Constant, formatError } from './onnx-constant.ts';
import type { OnnxNode } from './onnx-node.ts';
import type { PoolingWindow } from './rewrites/max-window.ts';

/** ONNX operators with a window (onnx/docs/Operators.md), as convolutions of affine values. */
export const SPATIAL_OPERATORS: Record<string, Operator> = {
  Conv: (inputs) => {
    const { node } = inputs;
    const value = mapOf(inputs);
    const weights = inputs.constant(1);
    const [out, perGroup, height, width] = weights.dims;
    const groups = node.integer('group', 1);
    if (
      weights.dims.length !== 4 ||
      groups < 1 ||
      out % groups !== 0 ||
      perGroup * groups !== value.shape.channels
    )
      throw formatError(
        `node ${node.label}: weights ${weights.dims.join('x')} in ${groups} groups for ${value.shape.channels} channels`,
      );
    const [dilationY, dilationX] = bounded(node, 'dilations', [1, 1], 1, MAX_KERNEL);
    const kernel = groupedKernel(weights, groups, dilationY, dilationX);
    const bias = inputs.has(2) ? perChannel(inputs, 2, out) : new Float64Array(out);
    node.integers('kernel_shape', [height, width]).forEach((size, i) => {
      if (size !== weights.dims[2 + i])
        throw formatError(`node ${node.label}: kernel_shape is not that of the weights`);
    });
    return exactly(convolveValue(value, kernel, bias, windowOf(node, value.shape, kernel)));
  },

  AveragePool: (inputs) => {
    const { node } = inputs;
    const value = mapOf(inputs);
    const { channels } = value.shape;
    const [height, width] = bounded(node, 'kernel_shape', [0, 0], 1, MAX_KERNEL);
    if (bounded(node, 'dilations', [1, 1], 1, MAX_KERNEL).some((d) => d !== 1))
      throw unsupported('it is dilated');
    const kernel = diagonalKernel(channels, height, width, 1 / (height * width));
    const window = windowOf(node, value.shape, kernel);
    if (window.padded && node.integer('count_include_pad', 0) === 0)
      throw unsupported('its windows at the border average over fewer elements (count_include_pad is 0)');
    if (node.integer('ceil_mode', 0) !== 0 && window.partial)
      throw unsupported('its last windows are incomplete (ceil_mode is 1)');
    return exactly(convolveValue(value, kernel, new Float64Array(channels), window));
  },

  GlobalAveragePool: (inputs) => exactly(poolGlobally(mapOf(inputs))),

  ReduceMean: (inputs) => {
    const { node } = inputs;
    const axes = inputs.has(1) ? [...inputs.constant(1).values] : node.integers('axes', [], 2);
    const spatial = axes.map((axis) => (axis < 0 ? axis + 4 : axis)).sort();
    if (spatial.join() !== '2,3') throw unsupported('it averages over other axes than the map (2 and 3)');
    const mean = exactly(poolGlobally(mapOf(inputs)));
    return { ...mean, flat: node.integer('keepdims', 1) === 0 };
  },

  Pad: (inputs) => {
    const { node } = inputs;
    const value = mapOf(inputs);
    if (node.text('mode', 'constant') !== 'constant') throw unsupported('it does not pad with zeros');
    const filler = inputs.has(2) ? inputs.constant(2).values[0] : node.float('value', 0);
    if (filler !== 0) throw unsupported(`it pads with ${filler}, not with zeros`);
    if (inputs.has(3)) throw unsupported('it names the axes to pad');
    const pads = inputs.has(1) ? [...inputs.constant(1).values] : node.integers('pads', [], 8);
    if (pads.length !== 8 || !pads.every((pad) => Number.isInteger(pad) && Math.abs(pad) <= MAX_SIDE))
      throw formatError(`node ${node.label}: pads must be 8 integers up to ${MAX_SIDE}`);
    if (pads[0] || pads[1] || pads[4] || pads[5]) throw unsupported('it pads the batch or the channels');
    const { channels, height, width } = value.shape;
    const window: Window = {
      stride: 1,
      padTop: pads[2],
      padLeft: pads[3],
      outHeight: outSize(node, height + pads[2] + pads[6]),
      outWidth: outSize(node, width + pads[3] + pads[7]),
    };
    return exactly(
      convolveValue(value, diagonalKernel(channels, 1, 1, 1), new Float64Array(channels), window),
    );
  },
};

/** Input 0, which must still be a map. */
export function mapOf(inputs: NodeInputs): AffineValue {
  const value = inputs.value(0);
  if (value.flat) throw formatError(`node ${inputs.node.label} expects a map, got a vector`);
  return value;
}

/** Weights [out, in / groups, kh, kw] as a kernel over all channels, with zeros between dilated taps. */
function groupedKernel(
  { dims, values }: Constant,
  groups: number,
  dilationY: number,
  dilationX: number,
): DenseKernel {
  const [out, perGroup, height, width] = dims;
  if (height < 1 || width < 1 || height > MAX_KERNEL || width > MAX_KERNEL)
    throw unsupported(`its kernel of ${height}x${width} is larger than ${MAX_KERNEL}`);
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

/** The window of a MaxPool. Throws 'model/unsupported' where its last windows are incomplete, or padded and dilated. */
export function poolingWindow(node: OnnxNode, shape: Shape): PoolingWindow {
  const [rows, columns] = bounded(node, 'kernel_shape', [0, 0], 1, MAX_KERNEL);
  const [dilationY, dilationX] = bounded(node, 'dilations', [1, 1], 1, MAX_KERNEL);
  const extent = { height: (rows - 1) * dilationY + 1, width: (columns - 1) * dilationX + 1 };
  const window = windowOf(node, shape, extent);
  if (node.integer('ceil_mode', 0) !== 0 && window.partial)
    throw unsupported('its last windows are incomplete (ceil_mode is 1)');
  if (window.padded && dilationY * dilationX > 1) throw unsupported('it is padded and dilated');
  if (window.padTop >= rows || window.padLeft >= columns)
    throw formatError(`node ${node.label}: its padding holds whole windows`);
  return { ...window, rows, columns, dilationY, dilationX };
}

interface PlacedWindow extends Window {
  /** Whether there is any padding. */
  readonly padded: boolean;
  /** Whether the last rows or columns do not fill a window. */
  readonly partial: boolean;
}

function windowOf(
  node: OnnxNode,
  { height, width }: Shape,
  kernel: { height: number; width: number },
): PlacedWindow {
  const [stride, strideX] = bounded(node, 'strides', [1, 1], 1, MAX_STRIDE);
  if (stride !== strideX) throw unsupported(`its strides differ: ${stride} and ${strideX}`);
  const sizes = [height, width];
  const extents = [kernel.height, kernel.width];
  const auto = node.text('auto_pad', 'NOTSET');
  let pads = bounded(node, 'pads', [0, 0, 0, 0], 0, MAX_SIDE);
  if (auto === 'VALID') pads = [0, 0, 0, 0];
  else if (auto === 'SAME_UPPER' || auto === 'SAME_LOWER') {
    const totals = sizes.map((size, i) =>
      Math.max(0, (Math.ceil(size / stride) - 1) * stride + extents[i] - size),
    );
    const before = totals.map((total) =>
      auto === 'SAME_UPPER' ? Math.floor(total / 2) : Math.ceil(total / 2),
    );
    pads = [...before, ...totals.map((total, i) => total - before[i])];
  } else if (auto !== 'NOTSET') throw unsupported(`auto_pad is ${JSON.stringify(auto)}`);
  const rooms = sizes.map((size, i) => size + pads[i] + pads[i + 2] - extents[i]);
  const [outHeight, outWidth] = rooms.map((room) => outSize(node, Math.floor(room / stride) + 1));
  const padded = pads.some((pad) => pad > 0);
  const partial = rooms.some((room) => room % stride !== 0);
  return { stride, padTop: pads[0], padLeft: pads[1], outHeight, outWidth, padded, partial };
}

function outSize(node: OnnxNode, size: number): number {
  if (size < 1 || size > MAX_SIDE)
    throw formatError(`node ${node.label}: an output of ${size} rows or columns`);
  return size;
}

function bounded(node: OnnxNode, name: string, otherwise: number[], min: number, max: number): number[] {
  const values = node.integers(name, otherwise);
  if (values.some((value) => value < min || value > max))
    throw formatError(`node ${node.label}: ${name} must be from ${min} to ${max}`);
  return values;
}
