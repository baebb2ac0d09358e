import type { AffineValue } from '../affine.ts';
import { concatValues, pickChannels } from '../affine.ts';

/** How a nonlinear operator ends the linear segment that computes its input. */
export interface Segments {
  /**
   * Makes `value` a layer of the protocol and gives its tensor: ReLUs at all elements but the `linear` ones
   * (element-bitmap.ts), which pass as they are, and the `square` ones.
   */
  end(value: AffineValue, linear: Uint8Array | null, square?: Uint8Array | null): AffineValue;
  /** Whether no element of `value` is ever negative. */
  isNonnegative(value: AffineValue): boolean;
}

/**
 * One layer for several values of one shape and layout: the ReLUs of `activated`, then `passed` as they are. All can thus be
 * read in the next segment, where sums of them cost nothing. `passing` flags positions [height, width] of those of
 * `activated` at which they too pass as they are. In the layer a channel of all values comes before the next channel,
 * so that what is computed channel by channel stays a grouped convolution.
 */
export function endTogether(
  segments: Segments,
  activated: readonly AffineValue[],
  passed: readonly AffineValue[],
  passing: readonly (Uint8Array | null)[] = [],
): AffineValue[] {
  const values = [...activated, ...passed];
  const { channels, height, width } = values[0].shape;
  const area = height * width;
  const all = Array.from({ length: channels * values.length }, (_, i) => i);
  const place = (value: number, channel: number) => channel * values.length + value;
  const woven = pickChannels(
    concatValues(values),
    all.map((i) => (i % values.length) * channels + Math.floor(i / values.length)),
  );
  const linear = new Uint8Array(all.length * area);
  for (const i of values.keys())
    for (let c = 0; c < channels; c++) {
      const flags = linear.subarray(place(i, c) * area, (place(i, c) + 1) * area);
      if (i >= activated.length) flags.fill(1);
      else if (passing[i]) flags.set(passing[i]);
    }
  const tensor = segments.end(woven, linear.includes(1) ? linear : null);
  return values.map(({ layout }, i) => ({
    ...pickChannels(
      tensor,
      all.slice(0, channels).map((c) => place(i, c)),
    ),
    layout,
  }));
}
