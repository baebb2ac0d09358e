import type { FixedPointPlan } from './fixed-point-plan.ts';
import { type LayerRanges, linearLimit } from './ranges.ts';

/** Returns the largest measured value as a share of the gadgets' range; above 1 it was computed wrongly. */
export function rangeUse({ layers }: FixedPointPlan, ranges: readonly LayerRanges[]): number {
  const shares = layers.flatMap(({ ringBits, dropBits, scales, squares }, l) => {
    const unit = 2 ** -(squares?.shiftBits ?? 0);
    const share = (range: Float64Array, limit: number, kept = (scale: number) => scale * unit) =>
      scales.reduce((most, scale, c) => Math.max(most, (range[c] * kept(scale)) / limit), 0);
    return [
      share(ranges[l].relu, 2 ** (ringBits - 1)),
      share(ranges[l].linear, linearLimit(dropBits)),
      squares ? share(ranges[l].square, linearLimit(squares.dropBits), Math.sqrt) : 0,
    ];
  });
  return Math.max(0, ...shares);
}
