import { elementsOf } from '../geometry.ts';
import type { AffineValue } from './affine.ts';
import type { Constant } from './onnx-constant.ts';

/**
 * A constant of one value per element, channel, row ..., as one per element of a map or vector (onnx/docs/Broadcasting.md).
 * null if it does not fit one image.
 */
export function broadcast(
  { dims, values }: Constant,
  { shape, flat }: Pick<AffineValue, 'shape' | 'flat'>,
): Float64Array | null {
  const elements = elementsOf(shape);
  const sizes = flat ? [1, elements] : [1, shape.channels, shape.height, shape.width];
  const own = [...new Array<number>(Math.max(0, sizes.length - dims.length)).fill(1), ...dims];
  if (own.length !== sizes.length || own.some((size, axis) => size !== 1 && size !== sizes[axis]))
    return null;
  const spread = new Float64Array(elements);
  for (let i = 0; i < elements; i++) {
    let [position, index, step] = [i, 0, 1];
    for (let axis = sizes.length - 1; axis > 0; axis--) {
      if (own[axis] > 1) index += (position % sizes[axis]) * step;
      position = Math.floor(position / sizes[axis]);
      step *= own[axis];
    }
    spread[i] = values[index];
  }
  return spread;
}
