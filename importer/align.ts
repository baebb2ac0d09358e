import { type AffineValue, pickChannels } from './affine.ts';
import { diagonalKernel } from './dense-kernel.ts';
import { sameLayout, sizesOf } from './layout.ts';
import { ranked } from './ranked.ts';
import { exactly, unsupported } from './refusals.ts';
import { inChannelOrder, vectorised } from './relayout.ts';
import { asPlainMap, convolveMap, mapSize } from './spatial.ts';

/**
 * Converts the values to maps of one shape and layout, so that they can be added element by element; axes of size 1 are
 * repeated (onnx/docs/Broadcasting.md).
 */
export function aligned(values: readonly AffineValue[]): AffineValue[] {
  const rank = Math.max(...values.map(({ layout }) => layout.length));
  const all = values.map((value) => ranked(value, rank));
  const sizes = all.map(({ layout }) => sizesOf(layout));
  const common = sizes[0].map((_, axis) => Math.max(...sizes.map((own) => own[axis])));
  if (sizes.some((own) => own.some((size, axis) => size !== 1 && size !== common[axis])))
    throw unsupported(
      `its inputs of ${sizes.map((own) => own.join('x')).join(' and ')} differ in shape: bring them to one`,
    );
  const repeated = all.map((value, i) =>
    sizes[i].every((size, axis) => size === common[axis]) ? value : expanded(value, common),
  );
  const ways = [(value: AffineValue) => value, inChannelOrder, asPlainMap, vectorised];
  for (const layOut of ways) {
    const alike = repeated.map((value) => layOut(value));
    const [first] = alike;
    const same = (value: AffineValue | null) =>
      value && first && sameMap(value.shape, first.shape) && sameLayout(value.layout, first.layout);
    if (alike.every(same)) return alike as AffineValue[];
  }
  throw unsupported(
    'its inputs are laid out in ways that have nothing in common: reshape and transpose them alike',
  );
}

function sameMap(a: AffineValue['shape'], b: AffineValue['shape']): boolean {
  return a.channels === b.channels && a.height === b.height && a.width === b.width;
}

/** Repeats the value's axes of size 1 to `sizes`. */
export function expanded(value: AffineValue, sizes: readonly number[]): AffineValue {
  const grown = ranked(value, sizes.length);
  const own = sizesOf(grown.layout);
  const missing = [...sizes.keys()].filter((axis) => own[axis] !== sizes[axis]);
  const spatial = missing.filter((axis) => axis >= 2);
  const wide = spatial.length > 0 && sizes.length <= 4 ? spreadMap(grown, sizes) : null;
  return missing
    .filter((axis) => wide === null || axis < 2)
    .reduce((repeated, axis) => repeatedAlong(repeated, axis, sizes[axis]), wide ?? grown);
}

/** Repeats the value's axis `at` of size 1, by repeating all of its channels. */
function repeatedAlong(value: AffineValue, at: number, times: number): AffineValue {
  const { channels } = value.shape;
  const picked = Array.from({ length: times * channels }, (_, i) => i % channels);
  const layout = value.layout.with(at, [{ axis: 'channels', size: times, stride: channels }]);
  return { ...pickChannels(value, picked), layout };
}

/** Repeats a map's single row or column to `sizes`; null if the layout's rows are not those of the map. */
function spreadMap(value: AffineValue, sizes: readonly number[]): AffineValue | null {
  const plain = asPlainMap(value);
  if (!plain) return null;
  const { channels, height, width } = mapSize(plain);
  const [outHeight, outWidth] = sizes.length === 4 ? sizes.slice(2) : [1, sizes[2]];
  const rows = height === outHeight ? 1 : outHeight;
  const columns = width === outWidth ? 1 : outWidth;
  const kernel = diagonalKernel(channels, rows, columns, 1);
  const window = { strideY: 1, strideX: 1, padTop: rows - 1, padLeft: columns - 1, outHeight, outWidth };
  return exactly(convolveMap(plain, kernel, new Float64Array(channels), window));
}
