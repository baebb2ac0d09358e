import type { AffineValue } from './affine.ts';
import { convolveValue, type Window } from './affine-convolution.ts';
import { type DenseKernel, makeKernel } from './dense-kernel.ts';
import { type Dim, type Layout, wholeAxis } from './layout.ts';

/**
 * Maps that are larger than the values from which they are computed. A large map is stored as a smaller one whose
 * channels include the phases of rows and columns: rows and columns of the large map are interleaved from these phases.
 * Channels of the small map are ordered by channel, then phase of rows, then phase of columns.
 */
export interface Phases {
  readonly y: number;
  readonly x: number;
}

/** How a convolution along one axis of the large map is one of the small map. */
interface Axis {
  /** Phases and stride of the result. */
  readonly phases: number;
  readonly stride: number;
  readonly out: number;
  readonly pad: number;
  readonly extent: number;
  /** For each phase of the result and tap of the kernel the row of the small kernel and the phase read, or null. */
  readonly taps: readonly (readonly (readonly [number, number] | null)[])[];
}

/**
 * A convolution of the large map that `value` [channels, phases of rows, phases of columns] is, with a bias per
 * channel. Its layout is that of the large map. Returns the reason as text where it is not exact, null where its size
 * is no multiple of the phases that it would have.
 *
 * @param spread rows and columns of the map that the kernel sees lie so far apart, with zeros in between
 */
export function convolvePhases(
  value: AffineValue,
  phases: Phases,
  kernel: DenseKernel,
  bias: Float64Array,
  window: Window,
  spread: Phases,
): AffineValue | string | null {
  if (phases.y * phases.x * spread.y * spread.x === 1) {
    const result = convolveValue(value, kernel, bias, window);
    if (typeof result === 'string') return result;
    return { ...result, layout: phasedLayout(kernel.out, { y: 1, x: 1 }, result.shape) };
  }
  const { height, width } = value.shape;
  const { strideY, strideX, padTop, padLeft, outHeight, outWidth } = window;
  const y = axisOf(phases.y, spread.y, height, kernel.height, strideY, padTop, outHeight);
  const x = axisOf(phases.x, spread.x, width, kernel.width, strideX, padLeft, outWidth);
  if (!y || !x) return null;
  const out = kernel.out * y.phases * x.phases;
  const large = makeKernel(out, value.shape.channels, y.extent, x.extent, (data) => {
    const weights = kernel.data;
    for (let o = 0, next = 0; o < kernel.out; o++)
      for (let c = 0; c < kernel.in; c++)
        for (let row = 0; row < kernel.height; row++)
          for (let column = 0; column < kernel.width; column++, next++)
            for (const [i, rows] of y.taps.entries())
              for (const [j, columns] of x.taps.entries()) {
                const [down, right] = [rows[row], columns[column]];
                if (weights[next] === 0 || !down || !right) continue;
                const to = (o * y.phases + i) * x.phases + j;
                const from = (c * phases.y + down[1]) * phases.x + right[1];
                data[((to * value.shape.channels + from) * y.extent + down[0]) * x.extent + right[0]] +=
                  weights[next];
              }
  });
  const biases = Float64Array.from({ length: out }, (_, i) => bias[Math.floor(i / (y.phases * x.phases))]);
  const result = convolveValue(value, large, biases, {
    strideY: y.stride,
    strideX: x.stride,
    padTop: y.pad,
    padLeft: x.pad,
    outHeight: y.out,
    outWidth: x.out,
  });
  if (typeof result === 'string') return result;
  return { ...result, layout: phasedLayout(kernel.out, { y: y.phases, x: x.phases }, result.shape) };
}

function axisOf(
  phases: number,
  spread: number,
  size: number,
  extent: number,
  stride: number,
  pad: number,
  out: number,
): Axis | null {
  /** Positions that the kernel sees of a row of the small map. */
  const period = phases * spread;
  const within = stride % period === 0 ? [1, stride / period] : [period / stride, 1];
  // A row of which all positions are phases gives all positions of the result as phases too.
  const [own, step] = size === 1 ? [out, 1] : out === 1 ? [1, 1] : within;
  if (!Number.isInteger(own) || out % own !== 0) return null;
  const taps = Array.from({ length: own }, (_, phase) =>
    Array.from({ length: extent }, (_, tap) => {
      const seen = phase * stride + tap - pad;
      const row = Math.floor(seen / period);
      const read = seen - row * period;
      return read % spread === 0 && (size > 1 || row === 0) ? ([row, read / spread] as const) : null;
    }),
  );
  const rows = taps.flat().flatMap((tap) => (tap ? [tap[0]] : []));
  const [first, last] = rows.length > 0 ? [Math.min(...rows), Math.max(...rows)] : [0, 0];
  return {
    phases: own,
    stride: step,
    out: out / own,
    pad: -first,
    extent: last - first + 1,
    taps: taps.map((list) => list.map((tap) => tap && ([tap[0] - first, tap[1]] as const))),
  };
}

/** A layout [batch, channels, rows, columns] of the large map of `channels` channels. */
function phasedLayout(
  channels: number,
  { y, x }: Phases,
  { height, width }: { height: number; width: number },
): Layout {
  const part = (size: number, stride: number): Dim =>
    size === 1 ? [] : [{ axis: 'channels', size, stride }];
  return [
    [],
    part(channels, y * x),
    [...wholeAxis('height', height), ...part(y, x)],
    [...wholeAxis('width', width), ...part(x, 1)],
  ];
}
