import { type AffineValue, addValues, scaleChannels, scaleValue } from '../affine.ts';
import { endTogether, type Segments } from './segments.ts';

/** Piecewise linear activations as ReLUs of linear forms of their input, all in the one round of its layer. */

/** x limited to low .. high, either of which may be infinite: low + ReLU(x - low) - ReLU(x - high). */
export function clip(segments: Segments, x: AffineValue, low: number, high: number): AffineValue {
  if (low === -Infinity) {
    if (high === Infinity) return x;
    const [below] = endTogether(segments, [scaleValue(x, -1, high)], []);
    return scaleValue(below, -1, high);
  }
  const bounds = high === Infinity ? [low] : [low, high];
  const forms = bounds.map((bound) => scaleValue(x, 1, -bound));
  const [rising, excess] = endTogether(segments, forms, []);
  return scaleValue(excess ? addValues(rising, scaleValue(excess, -1)) : rising, 1, low);
}

/** x where it is positive, x times the slope of its channel elsewhere: (1 - slope) * ReLU(x) + slope * x. */
export function leakyRelu(segments: Segments, x: AffineValue, slopes: Float64Array): AffineValue {
  const none = new Float64Array(slopes.length);
  const [positive, whole] = endTogether(segments, [x], [x]);
  return addValues(
    scaleChannels(
      positive,
      slopes.map((slope) => 1 - slope),
      none,
    ),
    scaleChannels(whole, slopes, none),
  );
}
