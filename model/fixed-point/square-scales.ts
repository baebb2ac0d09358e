import { SphynxError } from '../../errors/sphynx-error.ts';
import type { FloatLayer } from '../float-network.ts';
import { MAX_SHIFT_BITS, MAX_SQUARE_DROP_BITS, MIN_DROP_BITS } from '../limits.ts';
import { type LayerRanges, linearLimit } from './ranges.ts';

/**
 * Scales of squares. An element x at product scale P becomes z^2 with z = x / 2^g, so its tensor has the scale (P /
 * 2^g)^2. In a channel with only squares P is free. If a channel also has other elements, these get the scale P / 2^f *
 * 2^m, with the f bits that they drop and the m bits that they are shifted up again. Both scales are equal if P = 2^(m
 * - f + 2 g): a power of two, the same for all such channels of a layer. The importer multiplies a channel of a x^2 by
 * a for that.
 */
export interface SquareBits {
  /** g. */
  readonly dropBits: number;
  /** m. */
  readonly shiftBits: number;
}

/**
 * Bits of the largest z in calibration, without its sign; later inputs may need more. Fewer bits round z more coarsely;
 * more bits make z^2 so large that the weights which read it, whose products must stay within 31 bits, are rounded more
 * coarsely. For a few hundred weights per output both errors are equal at nine bits.
 */
export const SQUARE_BITS = 9;

/** For each channel of a layer, whether it has squares, and whether it has other elements. */
export function channelKinds({ output, square }: FloatLayer): { square: boolean; other: boolean }[] {
  const area = output.height * output.width;
  return Array.from({ length: output.channels }, (_, channel) => {
    const flags = square?.subarray(channel * area, (channel + 1) * area);
    return { square: flags?.includes(1) ?? false, other: flags?.includes(0) ?? true };
  });
}

/** P of each channel: integer units of the layer's output per real unit. `scales`: of its tensor. */
export function productScales(
  layer: FloatLayer,
  { dropBits, scales, squares }: { dropBits: number; scales: readonly number[]; squares: SquareBits | null },
): number[] {
  if (!squares) return scales.map((scale) => scale * 2 ** dropBits);
  const kinds = channelKinds(layer);
  return scales.map((scale, channel) =>
    kinds[channel].square
      ? Math.sqrt(scale) * 2 ** squares.dropBits
      : scale * 2 ** (dropBits - squares.shiftBits),
  );
}

/** The planner's facts about a layer before it plans the squares. */
export interface PlannedOthers {
  readonly layer: FloatLayer;
  readonly ranges: LayerRanges;
  /** Largest value that fits, as a share of the largest in calibration. */
  readonly margin: number;
  /** f, and the scales that each channel's other elements could have, before the shift. */
  readonly dropBits: number;
  readonly scales: readonly number[];
  /** Bits of precision that the kernels of the channels with a scale of their own leave; Infinity without any. */
  readonly weightBits: (own: readonly number[]) => number;
  /** Largest P of each channel, as its bias allows. */
  readonly biasRoom: readonly number[];
  /** Largest P / 2^bits of each channel, as kernels of so many bits allow. */
  readonly largest: (bits: number, wanted: number) => number[];
  /** Largest ratio of a scale to the smallest one. */
  readonly spread: number;
  /** Range that is assumed for a layer that calibration does not excite. */
  readonly smallestRange: number;
  /** Bits of the largest z. */
  readonly squareBits: number;
}

/** Chooses g, m and the scales of all channels' tensors. Throws 'model/unsupported' if none fit. */
export function planSquares(others: PlannedOthers): { squares: SquareBits; scales: number[] } {
  const { layer, ranges, margin, scales, dropBits, biasRoom, smallestRange, squareBits } = others;
  const kinds = channelKinds(layer);
  const mixed = [...kinds.keys()].filter((channel) => kinds[channel].square && kinds[channel].other);
  const most = Math.max(...ranges.square, smallestRange);
  const smallest = 2 ** squareBits / most;
  const fits = (channel: number) =>
    Math.min(2 ** squareBits / ranges.square[channel], others.spread * smallest);
  const wanted = others.weightBits(kinds.map(({ other }, channel) => (other ? 0 : fits(channel))));
  if (wanted < 1)
    throw new SphynxError(
      'model/unsupported',
      `layer ${layer.name}: the weights are too large for the range of what is squared`,
    );
  const spare = kinds.map(({ square }, channel) => (square ? biasRoom[channel] / fits(channel) : Infinity));
  const mostBits = 30 - squareBits - Math.ceil(Math.log2(margin));
  const free = Math.max(MIN_DROP_BITS, Math.min(wanted, mostBits, Math.floor(Math.log2(Math.min(...spare)))));
  const shared = mixed.length > 0 ? sharedBits(others, mixed) : null;
  const squares = shared?.squares ?? { dropBits: free, shiftBits: 0 };
  const bounds = others.largest(squares.dropBits, wanted);
  const room = linearLimit(squares.dropBits) - 1;
  return {
    squares,
    scales: kinds.map(({ square, other }, channel) => {
      if (!square) return scales[channel] * 2 ** squares.shiftBits;
      if (other && shared) return 2 ** (shared.productBits - dropBits + squares.shiftBits);
      const fitting = [fits(channel), room / (margin * ranges.square[channel]), bounds[channel]];
      return Math.min(...fitting, biasRoom[channel] / 2 ** squares.dropBits) ** 2;
    }),
  };
}

/**
 * P = 2^productBits for the channels that have squares and other elements, and the bits that make their scales equal.
 */
function sharedBits(
  { layer, ranges, margin, scales, dropBits, squareBits }: PlannedOthers,
  mixed: readonly number[],
) {
  // For any g, x must be below 2^30 - 2^g.
  const room = 2 ** 30 - 2 ** MAX_SQUARE_DROP_BITS;
  const most = mixed.reduce((largest, channel) => Math.max(largest, margin * ranges.square[channel]), 0);
  const bound = mixed.reduce(
    (least, channel) => Math.min(least, scales[channel] * 2 ** dropBits),
    room / most,
  );
  const productBits = Math.min(
    Math.floor(Math.log2(bound)),
    2 * MAX_SQUARE_DROP_BITS + MAX_SHIFT_BITS - dropBits,
  );
  const sum = productBits + dropBits;
  const wanted = productBits + Math.ceil(Math.log2(most / margin || 1)) - squareBits;
  const least = Math.max(MIN_DROP_BITS, Math.ceil((sum - MAX_SHIFT_BITS) / 2));
  const own = Math.max(least, Math.min(wanted, Math.floor(sum / 2), MAX_SQUARE_DROP_BITS));
  if (2 * own > sum)
    throw new SphynxError(
      'model/unsupported',
      `layer ${layer.name}: values of up to ${most.toPrecision(3)} are squared in channels with other elements, which leaves these no bits: scale the layer down, or square whole channels`,
    );
  return { productBits, squares: { dropBits: own, shiftBits: sum - 2 * own } };
}
