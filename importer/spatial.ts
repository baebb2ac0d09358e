import type { Shape } from '../model/shape.ts';
import { type AffineValue, pickChannels } from './affine.ts';
import { convolveValue, type Window } from './affine-convolution.ts';
import { type DenseKernel, makeKernel } from './dense-kernel.ts';
import {
  CHANNEL_STEPS,
  type Dim,
  flipped,
  hasOnly,
  type Layout,
  mapLayout,
  offsetsOf,
  sameLayout,
  sizeOf,
  sizesOf,
} from './layout.ts';
import { convolvePhases, type Phases } from './phases.ts';
import { unsupported } from './refusals.ts';
import { settled, vectorised } from './relayout.ts';

/** Convolutions of what the graph sees as maps [batch, channels, height, width] or [batch, channels, length]. */

/** The sizes that the graph sees, with a height of 1 where it sees none. Throws 'model/unsupported' on other ranks. */
export function mapSize({ layout }: Pick<AffineValue, 'layout'>): Shape {
  const sizes = sizesOf(layout);
  if (!hasOnly(layout[0] ?? [], 'batch') || !hasOnly(layout.slice(1).flat(), 'channels', 'height', 'width'))
    throw unsupported(`its input of ${sizes.join('x')} mixes the images of a batch: keep the first axis`);
  if (sizes.length !== 3 && sizes.length !== 4)
    throw unsupported(
      `it reads a map, but its input of ${sizes.join('x')} has ${sizes.length} axes instead of 4: reshape it to [batch, channels, height, width]`,
    );
  const [, channels, height, width] = sizes.length === 4 ? sizes : [sizes[0], sizes[1], 1, sizes[2]];
  return { channels, height, width };
}

/** Rows or columns of the graph's map: positions of an axis of the value's map, then phases among its channels. */
interface Side {
  readonly axis: 'height' | 'width' | null;
  readonly dim: Dim;
  readonly phases: Dim;
}

/**
 * A convolution of a value as the graph sees it, with a bias per channel. Rows and columns may be parts of the
 * map's, change places, or lie among the channels as those of an enlarged map do. Returns the reason as text where
 * the convolution would not be exact.
 *
 * @param spread how far apart the kernel sees rows and columns, with zeros in between: the strides of a transposed
 * convolution
 */
export function convolveMap(
  value: AffineValue,
  kernel: DenseKernel,
  bias: Float64Array,
  window: Window,
  spread: Phases = { y: 1, x: 1 },
): AffineValue | string {
  const { channels } = mapSize(value);
  if (channels !== kernel.in) return `its weights are for ${kernel.in} channels and not for ${channels}`;
  const plain = settled(value);
  const result =
    convolveFlipped(plain, kernel, bias, window, spread) ??
    convolveForwards(plain, kernel, bias, window, spread);
  // Of a vector every position is a phase, of any size.
  const any = result ?? convolvePlaced(placedSides(vectorised(plain))!, kernel, bias, window, spread)!;
  return typeof any === 'string' ? any : { ...any, layout: [value.layout[0], ...any.layout.slice(1)] };
}

/** null where the value's rows and columns are none of its own. */
function convolveForwards(
  value: AffineValue,
  kernel: DenseKernel,
  bias: Float64Array,
  window: Window,
  spread: Phases,
): AffineValue | string | null {
  const placed = placedSides(value);
  return placed && convolvePlaced(placed, kernel, bias, window, spread);
}

/**
 * The convolution of a map that was flipped: that of the map as it was by the flipped kernel, flipped. null where no
 * axis is flipped as a whole.
 */
function convolveFlipped(
  value: AffineValue,
  kernel: DenseKernel,
  bias: Float64Array,
  window: Window,
  spread: Phases,
): AffineValue | string | null {
  const { layout } = value;
  const signal = layout.length === 3;
  const whole = [...layout.keys()].filter(
    (axis) => axis >= 2 && layout[axis].length > 0 && layout[axis].every(({ stride }) => stride < 0),
  );
  if (whole.length === 0) return null;
  const turn = (own: Layout) => own.map((dim, axis) => (whole.includes(axis) ? flipped(dim) : dim));
  const [y, x] = [!signal && whole.includes(2), whole.includes(signal ? 2 : 3)];
  const { height, width } = mapSize(value);
  const pad = (size: number, apart: number, extent: number, out: number, stride: number, before: number) =>
    extent - ((size - 1) * apart + 1) + (out - 1) * stride - before;
  const { strideY, strideX, padTop, padLeft, outHeight, outWidth } = window;
  const mirrored: Window = {
    ...window,
    padTop: y ? pad(height, spread.y, kernel.height, outHeight, strideY, padTop) : padTop,
    padLeft: x ? pad(width, spread.x, kernel.width, outWidth, strideX, padLeft) : padLeft,
  };
  const forwards = { ...value, layout: turn(layout) };
  const result = convolveForwards(forwards, mirroredKernel(kernel, y, x), bias, mirrored, spread);
  if (result === null || typeof result === 'string') return result;
  return { ...result, layout: turn(result.layout) };
}

function convolvePlaced(
  { value, turned, sides }: Placed,
  kernel: DenseKernel,
  bias: Float64Array,
  window: Window,
  spread: Phases,
): AffineValue | string | null {
  const gathered = gather(value, sides);
  if (typeof gathered === 'string') return gathered;
  const phases = { y: sizeOf(sides[0].phases), x: sizeOf(sides[1].phases) };
  const result = turned
    ? convolvePhases(gathered, phases, turnedKernel(kernel), bias, turnedWindow(window), {
        y: spread.x,
        x: spread.y,
      })
    : convolvePhases(gathered, phases, kernel, bias, window, spread);
  if (result === null || typeof result === 'string') return result;
  const [batch, own, rows, columns] = result.layout;
  const [first, second] = turned ? [columns, rows] : [rows, columns];
  const signal = value.layout.length === 3;
  return { ...result, layout: signal ? [batch, own, [...first, ...second]] : [batch, own, first, second] };
}

/** The value as a map [channels, height, width] as the graph sees it; null if its rows and columns are none of its own. */
export function asPlainMap(value: AffineValue): AffineValue | null {
  if (value.layout.length !== 3 && value.layout.length !== 4) return null;
  const plain = settled(value);
  const layout = (map: AffineValue) => mapLayout(map.shape, value.layout[0], value.layout.length);
  if (sameLayout(plain.layout, layout(plain))) return plain;
  const placed = placedSides(plain);
  if (!placed || placed.turned || placed.sides.some(({ phases }) => phases.length > 0)) return null;
  const gathered = gather(plain, placed.sides);
  return typeof gathered === 'string' ? null : { ...gathered, layout: layout(gathered) };
}

/** A value whose own rows and columns the graph's are, or its columns and rows. */
interface Placed {
  readonly value: AffineValue;
  readonly turned: boolean;
  /** Rows and columns of the value's own map. */
  readonly sides: readonly [Side, Side];
}

/** Which axes of the map the rows and columns are; null where they are none. */
function placedSides(value: AffineValue): Placed | null {
  const { layout } = value;
  const dims: readonly [Dim, Dim] = layout.length === 4 ? [layout[2], layout[3]] : [[], layout[2]];
  if (!hasOnly([...layout[1], ...dims[0], ...dims[1]], 'channels', 'height', 'width')) return null;
  if (dims.some(([first]) => first && first.axis !== 'channels' && first.stride < 0)) return null;
  const sides = dims.map((dim): Side | null => {
    const [first] = dim;
    const axis = first && first.axis !== 'channels' ? (first.axis as 'height' | 'width') : null;
    const phases = axis ? dim.slice(1) : dim;
    return hasOnly(phases, 'channels') ? { axis, dim: axis ? [first] : [], phases } : null;
  });
  const [a, b] = sides;
  if (!a || !b || (a.axis && a.axis === b.axis)) return null;
  const turned = a.axis === 'width' || b.axis === 'height';
  return { value, turned, sides: turned ? [b, a] : [a, b] };
}

/**
 * The map whose rows and columns are those sides, all other positions channels; the channels are in the order of the
 * graph, then phases of rows, then of columns.
 */
function gather(value: AffineValue, [y, x]: readonly [Side, Side]): AffineValue | string {
  const own = [...value.layout[1], ...y.phases, ...x.phases];
  const channels = offsetsOf(own, CHANNEL_STEPS);
  if (hasOnly(own, 'channels')) return pickChannels(value, [...channels]);
  const rows = offsetsOf(own, { batch: 0, channels: 0, height: 1, width: 0 });
  const columns = offsetsOf(own, { batch: 0, channels: 0, height: 0, width: 1 });
  const [height, width] = [1 + Math.max(...rows), 1 + Math.max(...columns)];
  const depth = value.shape.channels * height * width;
  const kernel = makeKernel(channels.length, value.shape.channels, height, width, (data) => {
    for (const [i, channel] of channels.entries())
      data[i * depth + (channel * height + rows[i]) * width + columns[i]] = 1;
  });
  const window = {
    strideY: y.dim[0]?.stride ?? 1,
    strideX: x.dim[0]?.stride ?? 1,
    padTop: 0,
    padLeft: 0,
    outHeight: sizeOf(y.dim),
    outWidth: sizeOf(x.dim),
  };
  return convolveValue(value, kernel, new Float64Array(channels.length), window);
}

/** The kernel with its rows, its columns or both in the opposite order. */
function mirroredKernel(kernel: DenseKernel, rows: boolean, columns: boolean): DenseKernel {
  const { height, width } = kernel;
  return makeKernel(kernel.out, kernel.in, height, width, (data) => {
    const area = height * width;
    for (const [i, weight] of kernel.data.entries()) {
      const [y, x] = [Math.floor((i % area) / width), i % width];
      const to = (rows ? height - 1 - y : y) * width + (columns ? width - 1 - x : x);
      data[i - (i % area) + to] = weight;
    }
  });
}

function turnedKernel(kernel: DenseKernel): DenseKernel {
  const { height, width } = kernel;
  return makeKernel(kernel.out, kernel.in, width, height, (data) => {
    const area = height * width;
    for (const [i, weight] of kernel.data.entries()) {
      const [y, x] = [Math.floor((i % area) / width), i % width];
      data[i - (i % area) + x * height + y] = weight;
    }
  });
}

function turnedWindow(window: Window): Window {
  return {
    strideY: window.strideX,
    strideX: window.strideY,
    padTop: window.padLeft,
    padLeft: window.padTop,
    outHeight: window.outWidth,
    outWidth: window.outHeight,
  };
}
