import type { Shape } from '../model/shape.ts';

/**
 * The layout of a value's elements in the graph. The importer stores every value as a map [channels, height, width],
 * which is what the protocol computes. In the graph its axes may be in another order, split or joined: channels last,
 * flattened, in groups. A layout lists the factors of the map's axes of which each axis of the graph consists,
 * outermost first. Reshaping and transposing change only the layout.
 */
export type Layout = readonly Dim[];

/** One axis of the graph; its size is the product of its factors' sizes. An axis of size 1 has none. */
export type Dim = readonly Factor[];

/**
 * `size` positions of an axis of the map, `stride` apart; with a negative stride the last comes first, as in a flipped
 * map. All factors of a layout together cover the map once.
 */
export interface Factor {
  readonly axis: Axis;
  readonly size: number;
  readonly stride: number;
}

export type Axis = 'batch' | 'channels' | 'height' | 'width';

/** The whole of an axis. */
export function wholeAxis(axis: Axis, size: number): Dim {
  return size === 1 ? [] : [{ axis, size, stride: 1 }];
}

/** A map [batch, channels, height, width]; with a rank of 3 it has no height. */
export function mapLayout({ channels, height, width }: Shape, batch: Dim, rank = 4): Layout {
  const [rows, columns] = [wholeAxis('height', height), wholeAxis('width', width)];
  const spatial = rank === 4 ? [rows, columns] : [[...rows, ...columns]];
  return [batch, wholeAxis('channels', channels), ...spatial];
}

export function sizeOf(dim: Dim): number {
  return dim.reduce((product, { size }) => product * size, 1);
}

export function sizesOf(layout: Layout): number[] {
  return layout.map(sizeOf);
}

/** The sizes for one image of a batch. */
export function imageSizes(layout: Layout): number[] {
  return layout.map((dim) => sizeOf(dim.filter(({ axis }) => axis !== 'batch')));
}

export function sameLayout(a: Layout, b: Layout): boolean {
  return a.length === b.length && a.every((dim, i) => sameDim(dim, b[i]));
}

export function sameDim(a: Dim, b: Dim): boolean {
  return (
    a.length === b.length &&
    a.every(({ axis, size, stride }, i) => axis === b[i].axis && size === b[i].size && stride === b[i].stride)
  );
}

/** Axis i of the result is axis `order[i]`. */
export function permuted(layout: Layout, order: readonly number[]): Layout {
  return order.map((axis) => layout[axis]);
}

/** Regroups the same elements in the same order to other sizes; null if a size would split a factor unevenly. */
export function regrouped(layout: Layout, sizes: readonly number[]): Layout | null {
  const rest = layout.flat();
  const dims: Dim[] = [];
  for (const size of sizes) {
    const dim: Factor[] = [];
    for (let missing = size; missing > 1; ) {
      const factor = rest.shift();
      if (!factor) return null;
      if (missing % factor.size === 0) {
        dim.push(factor);
        missing /= factor.size;
      } else if (factor.size % missing === 0) {
        const inner = factor.size / missing;
        dim.push({ ...factor, size: missing, stride: factor.stride * inner });
        rest.unshift({ ...factor, size: inner });
        missing = 1;
      } else return null;
    }
    dims.push(joined(dim));
  }
  return rest.length === 0 ? dims : null;
}

/** Neighbours that together are one run of positions become one factor. */
function joined(dim: Dim): Dim {
  const result: Factor[] = [];
  for (const inner of dim) {
    const outer = result.at(-1);
    if (outer && outer.axis === inner.axis && outer.stride === inner.size * inner.stride)
      result[result.length - 1] = { ...inner, size: outer.size * inner.size };
    else result.push(inner);
  }
  return result;
}

/** Returns the stride in elements of each axis of the map. */
export function elementSteps({ height, width }: Shape): Record<Axis, number> {
  return { batch: 0, channels: height * width, height: width, width: 1 };
}

export const CHANNEL_STEPS: Record<Axis, number> = { batch: 0, channels: 1, height: 0, width: 0 };

/** Returns the offsets of all positions of some factors, the last factor varying fastest. */
export function offsetsOf(dim: Dim, steps: Record<Axis, number>): Int32Array {
  const offsets = new Int32Array(sizeOf(dim));
  let filled = 1;
  for (const { axis, size, stride } of dim.toReversed()) {
    const step = Math.abs(stride) * steps[axis];
    // The first positions last, as all others are computed from them.
    for (let i = size - 1; i >= 0; i--) {
      const place = (stride < 0 ? size - 1 - i : i) * step;
      for (let at = 0; at < filled; at++) offsets[i * filled + at] = offsets[at] + place;
    }
    filled *= size;
  }
  return offsets;
}

/** Reverses the axis. */
export function flipped(dim: Dim): Dim {
  return dim.map((factor) => ({ ...factor, stride: -factor.stride }));
}

/** Whether some factor of the axis counts from its end. */
export function isFlipped(dim: Dim): boolean {
  return dim.some(({ stride }) => stride < 0);
}

/** The factors of one axis. */
export function factorsOf(dim: Dim, axis: Axis): Dim {
  return dim.filter((factor) => factor.axis === axis);
}

export function hasOnly(dim: Dim, ...axes: Axis[]): boolean {
  return dim.every(({ axis }) => axes.includes(axis));
}

/**
 * Returns the layout after permuting the channels to the order of the factors of `order`, outermost first. All factors
 * of channels in the layout must be among them.
 */
export function withChannelOrder(layout: Layout, order: Dim): Layout {
  const strides = new Map<string, number>();
  let stride = 1;
  for (const factor of order.toReversed()) {
    strides.set(`${factor.size}/${factor.stride}`, stride);
    stride *= factor.size;
  }
  return layout.map((dim) =>
    joined(
      dim.map((factor) =>
        factor.axis === 'channels'
          ? { ...factor, stride: strides.get(`${factor.size}/${factor.stride}`)! }
          : factor,
      ),
    ),
  );
}
