import type { AffineValue } from '../affine.ts';
import { concatValues, sliceChannels } from '../affine.ts';

/** How a nonlinear operator ends the linear segment that computes its input. */
export interface Segments {
  /**
   * Makes `value` a layer of the protocol and gives its tensor: ReLUs at all elements but the `linear` ones
   * (linear-elements.ts), which pass as they are.
   */
  end(value: AffineValue, linear: Uint8Array | null): AffineValue;
  /** Whether no element of `value` is ever negative. */
  isNonnegative(value: AffineValue): boolean;
}

/**
 * One layer for several values of one shape: the ReLUs of `activated`, then `passed` as they are. All can thus be
 * read in the next segment, where sums of them cost nothing. `passing` flags positions [height, width] of those of
 * `activated` at which they too pass as they are.
 */
export function endTogether(
  segments: Segments,
  activated: readonly AffineValue[],
  passed: readonly AffineValue[],
  passing: readonly (Uint8Array | null)[] = [],
): AffineValue[] {
  const joined = concatValues([...activated, ...passed]);
  const { channels, height, width } = joined.shape;
  const each = channels / (activated.length + passed.length);
  const area = height * width;
  const linear = new Uint8Array(channels * area);
  linear.fill(1, activated.length * each * area);
  for (const [i, flags] of passing.entries())
    for (let c = i * each; flags && c < (i + 1) * each; c++) linear.set(flags, c * area);
  const tensor = segments.end(joined, passed.length > 0 ? linear : null);
  return [...activated, ...passed].map((_, i) => sliceChannels(tensor, i * each, each));
}
