import type { NetworkShape } from '../geometry.ts';
import type { InputKind } from '../input-kind.ts';

/** The scales of tensor 0, per channel, and the largest magnitude of its elements, which is null if pixels bound it. */
export interface InputScales {
  readonly scaleBits: readonly number[];
  readonly limit: number | null;
}

/** Channels whose largest values differ by less than this factor are assumed to have the same unit. */
const LIKE_SIZE = 64;

/** Largest value that is assumed of a column that is always zero in calibration: that of a flag, which is rarely set. */
const FLAG = 1;

/**
 * Bits of scale of a picture that layers read alone: the rounding error of a pixel is a sixteenth of that with 8 bits.
 * They cost nothing, because the picture's shares are words of the ring whatever its scale is; the weights that read it
 * lose as many of the bits that are dropped after them.
 */
const PICTURE_BITS = 12;

/**
 * Chooses the scales of inputs, where `largest` are the largest magnitudes per channel in calibration. The scale of a
 * picture that some layer reads together with other tensors matches theirs, so that their kernels are equally precise.
 * Other inputs get scales at which the largest values have k - 2 bits: one scale if all channels have similar sizes,
 * otherwise one per channel, because the columns of a table have different units. Twice the largest value still fits.
 *
 * @param ringBits k
 */
export function inputScales(
  kind: InputKind,
  largest: Float64Array,
  ringBits: number,
  { layers }: NetworkShape,
): InputScales {
  const channels = largest.length;
  if (kind === 'picture') {
    const apart = layers.every(
      ({ terms }) => terms.every(({ tensor }) => tensor === 0) || terms.every(({ tensor }) => tensor > 0),
    );
    const bits = apart ? Math.max(PICTURE_BITS, ringBits - 4) : ringBits - 4;
    return { scaleBits: new Array<number>(channels).fill(bits), limit: null };
  }
  const used = largest.filter((most) => most > 0);
  const [least, most] = used.length > 0 ? [Math.min(...used), Math.max(...used)] : [FLAG, FLAG];
  const alike = most / least < LIKE_SIZE;
  const flag = Math.min(Math.max(FLAG, least), most);
  const bits = (value: number) => Math.floor(Math.log2(2 ** (ringBits - 2) / value));
  const scaleBits = Array.from(largest, (own) => bits(alike ? most : own || flag));
  const integers = Array.from(largest, (own, channel) => (own || flag) * 2 ** scaleBits[channel]);
  return { scaleBits, limit: Math.ceil(2 * Math.max(...integers)) };
}
