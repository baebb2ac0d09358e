import { type AffineValue, addValues, scaleValue } from '../affine.ts';
import { endTogether, type Segments } from './segments.ts';

/**
 * The largest of several values of one shape, element by element: a tournament of max(x, y) = y + ReLU(x - y) in
 * ceil(log2(n)) layers. Each takes a ReLU for every pair, and passes y and what has no partner.
 */
export function maximum(segments: Segments, values: readonly AffineValue[]): AffineValue {
  if (values.length === 1) return values[0];
  const pairs = Math.floor(values.length / 2);
  const differences = Array.from({ length: pairs }, (_, i) =>
    addValues(values[i], scaleValue(values[pairs + i], -1)),
  );
  const ended = endTogether(segments, differences, values.slice(pairs));
  const winners = differences.map((_, i) => addValues(ended[i], ended[pairs + i]));
  return maximum(segments, [...winners, ...ended.slice(2 * pairs)]);
}
