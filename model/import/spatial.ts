import type { Shape } from '../card.ts';
import { type AffineValue, pickChannels } from './affine.ts';
import { convolveValue, type Window } from './affine-convolution.ts';
import { type DenseKernel, makeKernel } from './dense-kernel.ts';
import {
  CHANNEL_STEPS,
  type Dim,
  hasOnly,
  mapLayout,
  offsetsOf,
  sameLayout,
  sizeOf,
  sizesOf,
} from './layout.ts';
import { convolvePhases } from './phases.ts';
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
      `it reads a map, and its input of ${sizes.join('x')} has ${sizes.length} axes and not 4: reshape it to [batch, channels, height, width]`,
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
 */
export function convolveMap(
  value: AffineValue,
  kernel: DenseKernel,
  bias: Float64Array,
  window: Window,
): AffineValue | string {
  const { channels } = mapSize(value);
  if (channels !== kernel.in) return `its weights are for ${kernel.in} channels and not for ${channels}`;
  const plain = settled(value);
  const placed = placedSides(plain) ?? placedSides(vectorised(plain))!;
  const { turned, sides } = placed;
  const gathered = gather(placed.value, sides);
  if (typeof gathered === 'string') return gathered;
  const [k, w] = turned ? [turnedKernel(kernel), turnedWindow(window)] : [kernel, window];
  const phases = { y: sizeOf(sides[0].phases), x: sizeOf(sides[1].phases) };
  const result = convolvePhases(gathered, phases, k, bias, w);
  if (typeof result === 'string') return result;
  const [batch, own, rows, columns] = result.layout;
  const [first, second] = turned ? [columns, rows] : [rows, columns];
  const layout =
    value.layout.length === 4 ? [batch, own, first, second] : [batch, own, [...first, ...second]];
  return { ...result, layout: [value.layout[0], ...layout.slice(1)] };
}

/** The value as a map [channels, height, width] as the graph sees it. Throws 'model/unsupported' if it is none. */
export function plainMap(value: AffineValue): AffineValue {
  const { channels } = mapSize(value);
  const plain = settled(value);
  if (sameLayout(plain.layout, mapLayout(plain.shape, plain.layout[0], plain.layout.length))) return plain;
  const placed = placedSides(plain);
  const apart = placed?.sides.some(({ phases }) => phases.length > 0);
  const gathered = placed && !placed.turned && !apart ? gather(plain, placed.sides) : null;
  if (gathered === null || typeof gathered === 'string')
    throw unsupported(
      `it reads ${channels} channels whose rows and columns are not those that were computed: transpose or reshape behind it instead`,
    );
  return { ...gathered, layout: mapLayout(gathered.shape, value.layout[0], value.layout.length) };
}

/** Which axes of the map the rows and columns are; null where they are none. [rows, columns] of the value's own map. */
function placedSides(
  value: AffineValue,
): { value: AffineValue; turned: boolean; sides: readonly [Side, Side] } | null {
  const { layout } = value;
  const dims: readonly [Dim, Dim] = layout.length === 4 ? [layout[2], layout[3]] : [[], layout[2]];
  if (!hasOnly([...layout[1], ...dims[0], ...dims[1]], 'channels', 'height', 'width')) return null;
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
