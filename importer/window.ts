import { MAX_KERNEL, MAX_SIDE, MAX_STRIDE } from '../model/limits.ts';
import type { Shape } from '../model/shape.ts';
import type { Window } from './affine-convolution.ts';
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

/** The window of a pool; incomplete windows at the end count as padded. `rank`: 2, or 1 for signals without rows. */
export function poolingWindow(node: OnnxNode, shape: Shape, rank: number): PoolingWindow & PlacedWindow {
  if (!node.has('kernel_shape')) throw formatError(`node ${node.label} has no kernel_shape`);
  const [rows, columns] = sides(node, 'kernel_shape', rank, 1, MAX_KERNEL);
  const [dilationY, dilationX] = sides(node, 'dilations', rank, 1, MAX_KERNEL);
  const extent = { height: (rows - 1) * dilationY + 1, width: (columns - 1) * dilationX + 1 };
  const window = checked(node, withLastWindows(node, shape, extent, placed(node, shape, extent, rank)));
  if (window.padTop >= extent.height || window.padLeft >= extent.width)
    throw formatError(`node ${node.label}: its padding holds whole windows`);
  return { ...window, rows, columns, dilationY, dilationX };
}

/** Whether the window is the map itself. */
export function coversMap(window: PoolingWindow, { height, width }: Shape): boolean {
  const { rows, columns, dilationY, dilationX, outHeight, outWidth, padded } = window;
  return (
    !padded &&
    outHeight === 1 &&
    outWidth === 1 &&
    rows === height &&
    columns === width &&
    (dilationY === 1 || rows === 1) &&
    (dilationX === 1 || columns === 1)
  );
}

/** The windows with the incomplete ones at the end that `ceil_mode` asks for: all that begin in the map or before it. */
function withLastWindows(
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
  const outHeight = count(height, window.padTop, window.padBottom, extent.height, strideY);
  const outWidth = count(width, window.padLeft, window.padRight, extent.width, strideX);
  return { ...window, outHeight, outWidth, padded: true };
}

/** The windows of a node over a map. `rank`: 2, or 1 for signals without rows. */
export function windowOf(
  node: OnnxNode,
  shape: Shape,
  kernel: { height: number; width: number },
  rank: number,
): PlacedWindow {
  return checked(node, placed(node, shape, kernel, rank));
}

function checked(node: OnnxNode, window: PlacedWindow): PlacedWindow {
  outSize(node, window.outHeight);
  outSize(node, window.outWidth);
  return window;
}

/** Whole windows alone, of which there may be none. */
function placed(
  node: OnnxNode,
  { height, width }: Shape,
  kernel: { height: number; width: number },
  rank: number,
): PlacedWindow {
  const strides = sides(node, 'strides', rank, 1, MAX_STRIDE);
  const sizes = [height, width];
  const extents = [kernel.height, kernel.width];
  const auto = node.text('auto_pad', 'NOTSET');
  let pads = padsOf(node, rank);
  if (auto === 'VALID') pads = [0, 0, 0, 0];
  else if (auto === 'SAME_UPPER' || auto === 'SAME_LOWER') {
    const totals = sizes.map((size, i) =>
      Math.max(0, (Math.ceil(size / strides[i]) - 1) * strides[i] + extents[i] - size),
    );
    pads = shared(totals, auto);
  } else if (auto !== 'NOTSET') throw unsupported(`auto_pad is ${JSON.stringify(auto)}: write the pads out`);
  const rooms = sizes.map((size, i) => size + pads[i] + pads[i + 2] - extents[i]);
  const [outHeight, outWidth] = rooms.map((room, i) => Math.floor(room / strides[i]) + 1);
  const padded = pads.some((pad) => pad > 0);
  const partial = rooms.some((room, i) => room % strides[i] !== 0);
  const [strideY, strideX] = strides;
  const [padTop, padLeft, padBottom, padRight] = pads;
  return { strideY, strideX, padTop, padLeft, padBottom, padRight, outHeight, outWidth, padded, partial };
}

/** Padding of rows and columns in all, as [above, left, below, right]. */
export function shared(totals: readonly number[], auto: string): number[] {
  const before = totals.map((total) =>
    auto === 'SAME_UPPER' ? Math.floor(total / 2) : Math.ceil(total / 2),
  );
  return [...before, ...totals.map((total, i) => total - before[i])];
}

/** [above, left, below, right]. */
export function padsOf(node: OnnxNode, rank: number): number[] {
  const zero = new Array<number>(2 * rank).fill(0);
  const pads = bounded(node, 'pads', zero, 0, MAX_SIDE);
  return rank === 1 ? [0, pads[0], 0, pads[1]] : pads;
}

export function outSize(node: OnnxNode, size: number): number {
  if (size < 1 || size > MAX_SIDE)
    throw formatError(`node ${node.label}: an output of ${size} rows or columns`);
  return size;
}

/** An attribute for rows and columns; 1 for what is left out. */
export function sides(
  node: OnnxNode,
  name: string,
  rank: number,
  min: number,
  max: number,
): [number, number] {
  const values = bounded(node, name, new Array<number>(rank).fill(1), min, max);
  return rank === 1 ? [1, values[0]] : [values[0], values[1]];
}

function bounded(node: OnnxNode, name: string, otherwise: number[], min: number, max: number): number[] {
  const values = node.integers(name, otherwise);
  if (values.some((value) => value < min || value > max))
    throw formatError(`node ${node.label}: ${name} must be from ${min} to ${max}`);
  return values;
}
