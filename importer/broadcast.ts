import { elementsOf } from '../model/geometry.ts';
import { MAX_ELEMENTS } from '../model/limits.ts';
import type { AffineValue } from './affine.ts';
import { CHANNEL_STEPS, type Dim, elementSteps, hasOnly, offsetsOf, sizeOf } from './layout.ts';
import type { Constant } from './onnx-constant.ts';

/**
 * Broadcasts a constant to a value (onnx/docs/Broadcasting.md): returns one number per channel of its map, or per
 * element if a channel has several; null if it does not fit one image.
 */
export function broadcast(
  { dims, values }: Constant,
  { shape, layout }: Pick<AffineValue, 'shape' | 'layout'>,
): Float64Array | null {
  const missing = layout.length - dims.length;
  const extra = Math.max(0, -missing);
  if (dims.slice(0, extra).some((size) => size !== 1)) return null;
  const named: Dim[] = [];
  const free: Dim[] = [];
  for (const [axis, dim] of layout.entries()) {
    const own = axis < missing ? 1 : dims[axis - Math.max(0, missing) + extra];
    if (own !== 1 && (own !== sizeOf(dim) || !hasOnly(dim, 'channels', 'height', 'width'))) return null;
    (own === 1 ? free : named).push(dim);
  }
  const perChannel = hasOnly(named.flat(), 'channels');
  const steps = perChannel ? CHANNEL_STEPS : elementSteps(shape);
  const others = free.flat().filter(({ axis }) => steps[axis] > 0);
  const spread = new Float64Array(perChannel ? shape.channels : elementsOf(shape));
  const [places, repeats] = [offsetsOf(named.flat(), steps), offsetsOf(others, steps)];
  for (let i = 0; i < places.length; i++)
    for (let r = 0; r < repeats.length; r++) spread[places[i] + repeats[r]] = values[i];
  return spread;
}

/** The shape to which shapes broadcast; null if there is none, or if no map has so many elements. */
export function commonDims(shapes: readonly (readonly number[])[]): number[] | null {
  const rank = Math.max(...shapes.map(({ length }) => length));
  const common = new Array<number>(rank).fill(1);
  for (const dims of shapes)
    for (const [i, size] of dims.entries()) {
      const axis = rank - dims.length + i;
      if (size === 1) continue;
      if (common[axis] !== 1 && common[axis] !== size) return null;
      common[axis] = size;
    }
  return common.reduce((size, dim) => size * dim, 1) <= MAX_ELEMENTS ? common : null;
}
