import { MAX_SIDE } from '../model/limits.ts';
import type { AffineValue } from './affine.ts';
import type { Window } from './affine-convolution.ts';
import { makeKernel } from './dense-kernel.ts';
import { PADDED } from './edge-pads.ts';
import { sizesOf } from './layout.ts';
import type { NodeInputs, Operator } from './node-inputs.ts';
import { formatError } from './onnx-constant.ts';
import { exactly, unsupported } from './refusals.ts';
import { contracted, selectAlong } from './relayout.ts';
import { convolveMap, mapSize } from './spatial.ts';

/** Maps made larger or smaller (onnx/docs/Operators.md), as transposed convolutions where the factors are whole. */
export const RESIZE_OPERATORS: Record<string, Operator> = {
  /** In its first version the scales are input 1, and there is no choice of coordinates. */
  Resize: (inputs) => resized(inputs, !inputs.has(2) && !inputs.has(3)),
  /** As Resize was in its first version. */
  Upsample: (inputs) => resized(inputs, true),
};

/** One axis: `size` positions become `out`. */
interface Scaling {
  readonly axis: number;
  readonly size: number;
  readonly out: number;
  readonly factor: number;
}

function resized(inputs: NodeInputs, first: boolean): AffineValue {
  const { node } = inputs;
  const mode = node.text('mode', 'nearest');
  if (mode !== 'nearest' && mode !== 'linear')
    throw unsupported(`it resizes by mode ${mode}: use nearest or linear (bilinear)`);
  if (node.integer('antialias', 0) !== 0)
    throw unsupported(
      'it smooths before it resizes: use an AveragePool for that, or export without antialias',
    );
  if (node.text('keep_aspect_ratio_policy', 'stretch') !== 'stretch')
    throw unsupported('it keeps the aspect ratio: export with the sizes that come of it');
  const value = inputs.value(0);
  const padded = node.has(PADDED);
  const scalings = scalingsOf(inputs, sizesOf(value.layout), padded);
  const coordinate = first ? 'asymmetric' : node.text('coordinate_transformation_mode', 'half_pixel');
  const whole =
    scalings.length > 0 && scalings.every(({ factor }) => Number.isInteger(factor) && factor >= 1);
  const spatial = scalings.every(({ axis }) => axis >= 2) && [3, 4].includes(value.layout.length);
  if (mode === 'linear') {
    if (padded && whole && spatial) return linearly(value, scalings, coordinate);
    const bare = padded ? inputs.value(4) : value;
    if (spatial && scalings.every((scaling) => isCentred(scaling, coordinate)))
      return reduced(bare, scalings);
    return scalings.reduce((sum, scaling) => interpolated(sum, scaling, coordinate), bare);
  }
  const rounding = first ? 'floor' : node.text('nearest_mode', 'round_prefer_floor');
  const nearest = scalings.map((scaling) => nearestOf(scaling, coordinate, rounding));
  const repeats = nearest.every((picked, i) =>
    picked.every((at, o) => at === Math.floor(o / scalings[i].factor)),
  );
  if (whole && spatial && repeats) return repeated(value, scalings);
  return scalings.reduce((part, { axis }, i) => selectAlong(part, axis, nearest[i]), value);
}

/** Whether each position of the output lies in the middle of its own block of the input. */
function isCentred(scaling: Scaling, coordinate: string): boolean {
  const { size, out } = scaling;
  const middle = (o: number) => ((o + 0.5) * size) / out - 0.5;
  return (
    size % out === 0 &&
    Array.from({ length: out }, (_, o) => placeOf(scaling, o, coordinate) - middle(o)).every(
      (error) => Math.abs(error) < CLOSE,
    )
  );
}

/** Rounding of places, of which the scales are single floats. */
const CLOSE = 1e-4;

/** The axes that change, by the sizes or the scales that the node has. `padded` ones have two positions more. */
function scalingsOf(inputs: NodeInputs, given: readonly number[], padded: boolean): Scaling[] {
  const { node } = inputs;
  const own = given.map((size, axis) => (padded && axis >= 2 ? size - 2 : size));
  const axes = node.has('axes')
    ? node.integers('axes', [], null).map((axis) => (axis + own.length) % own.length)
    : [...own.keys()];
  const last = inputs.has(3) ? 3 : inputs.has(2) ? 2 : 1;
  const values = last > 1 || inputs.has(1) ? [...inputs.constant(last).values] : floats(inputs);
  if (values.length !== axes.length)
    throw formatError(`node ${node.label}: ${values.length} sizes or scales for ${axes.length} axes`);
  const scalings = axes.map((axis, i) => {
    const size = own[axis];
    const out = last === 3 ? values[i] : Math.floor(size * values[i]);
    return { axis, size, out, factor: last === 3 ? out / size : values[i] };
  });
  for (const { axis, out } of scalings)
    if (!(Number.isInteger(out) && out >= 1 && out <= MAX_SIDE))
      throw unsupported(`it makes axis ${axis} ${out} positions long: resize to 1 to ${MAX_SIDE}`);
  return scalings.filter(
    ({ axis, size, out, factor }) => size !== out || factor !== 1 || (padded && axis >= 2),
  );
}

/** The scales of an Upsample of the oldest files. */
function floats({ node }: NodeInputs): number[] {
  const scales = node.proto.attribute?.find(({ name }) => name === 'scales')?.floats;
  if (!scales?.length) throw formatError(`node ${node.label} has no sizes and no scales`);
  return [...scales];
}

/** Where position `o` of the output lies in the input. */
function placeOf({ size, out, factor }: Scaling, o: number, coordinate: string): number {
  if (coordinate === 'asymmetric') return o / factor;
  if (coordinate === 'align_corners') return out === 1 ? 0 : (o * (size - 1)) / (out - 1);
  if (coordinate === 'half_pixel' || coordinate === 'half_pixel_symmetric') {
    // The symmetric form moves what a size that was rounded down has lost to both sides.
    const lost = coordinate === 'half_pixel' ? 0 : (size / 2) * (1 - out / (factor * size));
    return lost + (o + 0.5) / factor - 0.5;
  }
  if (coordinate === 'tf_half_pixel_for_nn') return (o + 0.5) / factor;
  if (coordinate === 'pytorch_half_pixel') return out === 1 ? 0 : (o + 0.5) / factor - 0.5;
  throw unsupported(`it places pixels by ${coordinate}: use half_pixel, asymmetric or align_corners`);
}

/** For each position of the output the nearest one of the input. */
function nearestOf(scaling: Scaling, coordinate: string, rounding: string): number[] {
  const round: Record<string, (x: number) => number> = {
    floor: Math.floor,
    ceil: Math.ceil,
    round_prefer_floor: (x) => Math.ceil(x - 0.5),
    round_prefer_ceil: (x) => Math.floor(x + 0.5),
  };
  if (!Object.hasOwn(round, rounding)) throw unsupported(`it rounds by ${rounding}: use floor`);
  return Array.from({ length: scaling.out }, (_, o) => {
    const at = round[rounding](placeOf(scaling, o, coordinate));
    return Math.min(scaling.size - 1, Math.max(0, at));
  });
}

/** Along one axis by a matrix: any factor, also smaller. */
function interpolated(value: AffineValue, scaling: Scaling, coordinate: string): AffineValue {
  const { axis, size, out } = scaling;
  const places = Array.from({ length: out }, (_, o) =>
    Math.min(size - 1, Math.max(0, placeOf(scaling, o, coordinate))),
  );
  const at = (i: number, o: number) => Math.max(0, 1 - Math.abs(places[o] - i));
  return contracted(value, axis, { outputs: out, at });
}

/** Every element as a block of its own. */
function repeated(value: AffineValue, scalings: readonly Scaling[]): AffineValue {
  return enlarged(value, scalings, ({ factor }) => ({ taps: new Array<number>(factor).fill(1), first: 0 }));
}

/** The weighted mean of the two nearest positions, of a map that has its border twice. */
function linearly(value: AffineValue, scalings: readonly Scaling[], coordinate: string): AffineValue {
  return enlarged(value, scalings, ({ factor }) => {
    // An element is seen by outputs from `-before` on, counted from its own first one.
    const offset = coordinate === 'asymmetric' ? 0 : 0.5;
    const before = offset === 0 ? factor - 1 : Math.floor(factor / 2);
    const count = offset === 0 ? 2 * factor - 1 : factor + 2 * before;
    const weight = (m: number) => Math.max(0, 1 - Math.abs((m + offset) / factor - offset));
    return { taps: Array.from({ length: count }, (_, i) => weight(i - before)), first: factor + before };
  });
}

/** The mean of the two positions in the middle of each block, or the one: a smaller map whose places lie between. */
function reduced(value: AffineValue, scalings: readonly Scaling[]): AffineValue {
  const { channels, height, width } = mapSize(value);
  const rank = value.layout.length;
  const [y, x] = [height, width].map((size, i) => {
    const out = scalings.find(({ axis }) => axis === rank - 2 + i && axis >= 2)?.out ?? size;
    const stride = size / out;
    return { out, stride, first: Math.floor((stride - 1) / 2), taps: stride % 2 === 0 ? [0.5, 0.5] : [1] };
  });
  const plane = y.taps.flatMap((a) => x.taps.map((b) => a * b));
  const kernel = makeKernel(channels, channels, y.taps.length, x.taps.length, (data) => {
    for (let c = 0; c < channels; c++) data.set(plane, (c * channels + c) * plane.length);
  });
  const window: Window = {
    strideY: y.stride,
    strideX: x.stride,
    padTop: -y.first,
    padLeft: -x.first,
    outHeight: y.out,
    outWidth: x.out,
  };
  return exactly(convolveMap(value, kernel, new Float64Array(channels), window));
}

/** What an element gives to outputs along one axis, and how many outputs before the first one are left out. */
interface Taps {
  readonly taps: readonly number[];
  readonly first: number;
}

/** A transposed convolution of every channel by itself. */
function enlarged(
  value: AffineValue,
  scalings: readonly Scaling[],
  tapsOf: (scaling: Scaling) => Taps,
): AffineValue {
  const { channels, height, width } = mapSize(value);
  const rank = value.layout.length;
  const [y, x] = [height, width].map((size, i) => {
    const scaling = scalings.find(({ axis }) => axis === rank - 2 + i && axis >= 2);
    return scaling
      ? { ...tapsOf(scaling), out: scaling.out, factor: scaling.factor }
      : { taps: [1], first: 0, out: size, factor: 1 };
  });
  const kernel = makeKernel(channels, channels, y.taps.length, x.taps.length, (data) => {
    // A convolution over rows and columns spread apart sees the taps from the other end; they are symmetric.
    const plane = y.taps.flatMap((a) => x.taps.map((b) => a * b));
    for (let c = 0; c < channels; c++) data.set(plane, (c * channels + c) * plane.length);
  });
  const window: Window = {
    strideY: 1,
    strideX: 1,
    padTop: y.taps.length - 1 - y.first,
    padLeft: x.taps.length - 1 - x.first,
    outHeight: y.out,
    outWidth: x.out,
  };
  const bias = new Float64Array(channels);
  return exactly(convolveMap(value, kernel, bias, window, { y: y.factor, x: x.factor }));
}
