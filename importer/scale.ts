import { elementsOf } from '../model/geometry.ts';
import { type AffineValue, addBias, scaleChannels } from './affine.ts';
import { expanded } from './align.ts';
import { perChannelBias, scaleElements } from './bias.ts';
import { broadcast, commonDims } from './broadcast.ts';
import { sizesOf } from './layout.ts';
import type { Constant } from './onnx-constant.ts';
import { ranked } from './ranked.ts';
import { unsupported } from './refusals.ts';
import { settled } from './relayout.ts';

/** Constants that broadcast to a value (onnx/docs/Broadcasting.md). */

/** The value plus `sign` times a constant. */
export function shiftedBy(value: AffineValue, constant: Constant, sign = 1): AffineValue {
  const grown = widened(value, constant.dims);
  const offsets = broadcast(constant, grown);
  if (!offsets)
    throw unsupported(`it adds ${misfit(constant, grown)}: give it one number per channel or per element`);
  const signed = sign === 1 ? offsets : offsets.map((offset) => sign * offset);
  return addBias(grown, perChannelBias(signed, grown.shape.channels));
}

/** The value times a constant. */
export function scaledBy(value: AffineValue, constant: Constant): AffineValue {
  const grown = widened(value, constant.dims);
  const factors = broadcast(constant, grown);
  if (!factors)
    throw unsupported(
      `it multiplies by ${misfit(constant, grown)}: give it one number per channel or per element`,
    );
  const { channels } = grown.shape;
  const own = perChannelBias(factors, channels);
  if (own.length === channels) return scaleChannels(grown, own, new Float64Array(channels));
  const bias = scaleElements(grown.bias, grown.shape, own);
  return { ...grown, gain: grown.gain?.map((g, i) => g * own[i]) ?? own, bias };
}

/** The value with its axes of size 1 repeated to those of a constant; not the first axis, which is the batch. */
function widened(value: AffineValue, dims: readonly number[]): AffineValue {
  const grown = ranked(value, dims.length);
  const sizes = sizesOf(grown.layout);
  const common = commonDims([sizes, dims]);
  if (!common || common[0] !== sizes[0] || common.every((size, axis) => size === sizes[axis])) return grown;
  return expanded(settled(grown), common);
}

function misfit({ dims }: Constant, { layout, shape }: AffineValue): string {
  return `a constant of ${dims.join('x') || 'one number'} to ${sizesOf(layout).join('x')} (${elementsOf(shape)} elements)`;
}
