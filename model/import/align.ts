import { type AffineValue, pickChannels } from './affine.ts';
import { diagonalKernel } from './dense-kernel.ts';
import { sameLayout, sizesOf } from './layout.ts';
import { exactly, InexactError, unsupported } from './refusals.ts';
import { inChannelOrder, vectorised } from './relayout.ts';
import { convolveMap, mapSize, plainMap } from './spatial.ts';

/** The value with axes of size 1 in front, so that it has at least `rank`. */
export function ranked(value: AffineValue, rank: number): AffineValue {
  const missing = rank - value.layout.length;
  return missing > 0 ? { ...value, layout: [...new Array(missing).fill([]), ...value.layout] } : value;
}

/**
 * The values as maps of one shape that the graph sees alike, so that they can be added element by element; axes of
 * size 1 are repeated (onnx/docs/Broadcasting.md).
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
  for (const layOut of [(value: AffineValue) => value, inChannelOrder, plainMap, vectorised])
    try {
      const alike = repeated.map((value) => layOut(value));
      if (
        alike.every(
          ({ shape, layout }) => sameMap(shape, alike[0].shape) && sameLayout(layout, alike[0].layout),
        )
      )
        return alike;
    } catch (error) {
      // The next way may fit them.
      if (layOut === vectorised) throw error;
      if (!isRefusal(error)) throw error;
    }
  throw unsupported(
    'its inputs are laid out in ways that have nothing in common: reshape and transpose them alike',
  );
}

function isRefusal(error: unknown): boolean {
  return error instanceof InexactError || (error as { code?: string }).code === 'model/unsupported';
}

function sameMap(a: AffineValue['shape'], b: AffineValue['shape']): boolean {
  return a.channels === b.channels && a.height === b.height && a.width === b.width;
}

/** The value with its axes of size 1 repeated as often as `sizes` says. */
export function expanded(value: AffineValue, sizes: readonly number[]): AffineValue {
  const grown = ranked(value, sizes.length);
  const vector = sizes.length < 3;
  const map = vector ? { ...grown, layout: [grown.layout[0], grown.layout[1], [], []] } : grown;
  const own = mapSize(map);
  const target = mapSizes(vector ? [...sizes, 1, 1] : sizes);
  if (sizes[0] !== sizesOf(grown.layout)[0])
    throw unsupported('it repeats the batch: export the model for one image');
  const plain = plainMap(map);
  const widened =
    own.channels === target.channels
      ? plain
      : {
          ...pickChannels(plain, new Array(target.channels).fill(0)),
          layout: plain.layout.with(1, [{ axis: 'channels', size: target.channels, stride: 1 }]),
        };
  const [rows, columns] = [
    own.height === target.height ? 1 : target.height,
    own.width === target.width ? 1 : target.width,
  ];
  if (rows === 1 && columns === 1)
    return vector ? { ...widened, layout: widened.layout.slice(0, 2) } : widened;
  const kernel = diagonalKernel(target.channels, rows, columns, 1);
  return exactly(
    convolveMap(widened, kernel, new Float64Array(target.channels), {
      strideY: 1,
      strideX: 1,
      padTop: rows - 1,
      padLeft: columns - 1,
      outHeight: target.height,
      outWidth: target.width,
    }),
  );
}

function mapSizes(sizes: readonly number[]) {
  const [, channels, height, width] = sizes.length === 4 ? sizes : [sizes[0], sizes[1], 1, sizes[2]];
  return { channels, height, width };
}
