import type { Shape } from '../card.ts';
import { MAX_KERNEL, MAX_SIDE, MAX_STRIDE } from '../limits.ts';
import type { AffineValue } from './affine.ts';
import type { Window } from './affine-convolution.ts';
import type { NodeInputs } from './node-inputs.ts';
import { formatError } from './onnx-constant.ts';
import type { OnnxNode } from './onnx-node.ts';
import { unsupported } from './refusals.ts';
import type { PoolingWindow } from './rewrites/max-window.ts';

/** Where the windows of a node lie (onnx/docs/Operators.md, Conv and AveragePool). */
export interface PlacedWindow extends Window {
  /** Whether there is any padding. */
  readonly padded: boolean;
  /** Whether the last rows or columns do not fill a window. */
  readonly partial: boolean;
  /** Padding below and right. */
  readonly padBottom: number;
  readonly padRight: number;
}

/** The window of a MaxPool; incomplete windows at the end count as padded. */
export function poolingWindow(node: OnnxNode, shape: Shape): PoolingWindow {
  const [rows, columns] = bounded(node, 'kernel_shape', [0, 0], 1, MAX_KERNEL);
  const [dilationY, dilationX] = bounded(node, 'dilations', [1, 1], 1, MAX_KERNEL);
  const extent = { height: (rows - 1) * dilationY + 1, width: (columns - 1) * dilationX + 1 };
  const window = withLastWindows(node, shape, extent, windowOf(node, shape, extent));
  if (window.padTop >= rows || window.padLeft >= columns)
    throw formatError(`node ${node.label}: its padding holds whole windows`);
  return { ...window, rows, columns, dilationY, dilationX };
}

/** The windows with the incomplete ones at the end that `ceil_mode` asks for: all that begin in the map or before it. */
export function withLastWindows(
  node: OnnxNode,
  { height, width }: Shape,
  extent: { height: number; width: number },
  window: PlacedWindow,
): PlacedWindow {
  if (node.integer('ceil_mode', 0) === 0 || !window.partial) return window;
  const { strideY, strideX } = window;
  const count = (size: number, before: number, after: number, extent: number, stride: number) =>
    1 +
    Math.min(Math.ceil((size + before + after - extent) / stride), Math.floor((size + before - 1) / stride));
  const outHeight = outSize(node, count(height, window.padTop, window.padBottom, extent.height, strideY));
  const outWidth = outSize(node, count(width, window.padLeft, window.padRight, extent.width, strideX));
  return { ...window, outHeight, outWidth, padded: true };
}

/** The windows of a node over a map. */
export function windowOf(
  node: OnnxNode,
  { height, width }: Shape,
  kernel: { height: number; width: number },
): PlacedWindow {
  const strides = bounded(node, 'strides', [1, 1], 1, MAX_STRIDE);
  const sizes = [height, width];
  const extents = [kernel.height, kernel.width];
  const auto = node.text('auto_pad', 'NOTSET');
  let pads = bounded(node, 'pads', [0, 0, 0, 0], 0, MAX_SIDE);
  if (auto === 'VALID') pads = [0, 0, 0, 0];
  else if (auto === 'SAME_UPPER' || auto === 'SAME_LOWER') {
    const totals = sizes.map((size, i) =>
      Math.max(0, (Math.ceil(size / strides[i]) - 1) * strides[i] + extents[i] - size),
    );
    const before = totals.map((total) =>
      auto === 'SAME_UPPER' ? Math.floor(total / 2) : Math.ceil(total / 2),
    );
    pads = [...before, ...totals.map((total, i) => total - before[i])];
  } else if (auto !== 'NOTSET') throw unsupported(`auto_pad is ${JSON.stringify(auto)}: write the pads out`);
  const rooms = sizes.map((size, i) => size + pads[i] + pads[i + 2] - extents[i]);
  const [outHeight, outWidth] = rooms.map((room, i) => outSize(node, Math.floor(room / strides[i]) + 1));
  const padded = pads.some((pad) => pad > 0);
  const partial = rooms.some((room, i) => room % strides[i] !== 0);
  const [strideY, strideX] = strides;
  const [padTop, padLeft, padBottom, padRight] = pads;
  return { strideY, strideX, padTop, padLeft, padBottom, padRight, outHeight, outWidth, padded, partial };
}

export function outSize(node: OnnxNode, size: number): number {
  if (size < 1 || size > MAX_SIDE)
    throw formatError(`node ${node.label}: an output of ${size} rows or columns`);
  return size;
}

export function bounded(
  node: OnnxNode,
  name: string,
  otherwise: number[],
  min: number,
  max: number,
): number[] {
  const values = node.integers(name, otherwise);
  if (values.some((value) => value < min || value > max))
    throw formatError(`node ${node.label}: ${name} must be from ${min} to ${max}`);
  return values;
}

/** Input 0, which must still be a map. */
export function mapOf(inputs: NodeInputs): AffineValue {
  const value = inputs.value(0);
  if (value.flat) throw formatError(`node ${inputs.node.label} expects a map, got a vector`);
  return value;
}
