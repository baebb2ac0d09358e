import type { AffineValue } from './affine.ts';

/** The value with axes of size 1 in front, so that it has at least `rank`. */
export function ranked(value: AffineValue, rank: number): AffineValue {
  const missing = rank - value.layout.length;
  return missing > 0 ? { ...value, layout: [...new Array(missing).fill([]), ...value.layout] } : value;
}
