import { type LayerRanges, wholeRange } from './fixed-point/ranges.ts';
import type { FloatNetwork } from './float-network.ts';

/**
 * What rounding in single precision, over the sums of a network, may take from the logits, as a share of the largest
 * value. A rewritten operator is a difference of ReLUs (`low + ReLU(x - low) - ReLU(x - high)`), so its bounds vanish
 * beside values of 1e30.
 */
const ROUNDING = 2 ** -20;

/** The layer with the largest values, before or after its ReLUs. */
export interface LargestLayer {
  readonly name: string;
  readonly value: number;
}

/** Finds the layer with the largest values. The logits do not count, for nothing reads them. */
export function largestLayer({ layers }: FloatNetwork, ranges: readonly LayerRanges[]): LargestLayer {
  const largest = ranges.slice(0, -1).map((range, l) => ({
    name: layers[l].name,
    value: wholeRange(range).reduce((most, value) => Math.max(most, value), 0),
  }));
  return largest.reduce((a, b) => (a.value >= b.value ? a : b), { name: 'the input', value: 0 });
}

/** Returns whether rounding of values that large explains an error of the logits; NaN stands for an overflow. */
export function isRounding(error: number, { value }: LargestLayer): boolean {
  return Number.isNaN(error) ? value === Number.POSITIVE_INFINITY : error <= ROUNDING * value;
}
