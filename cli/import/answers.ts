import { sigmoid } from '../../client/scores.ts';
import type { OutputHead } from '../../model/head.ts';

/** Decides whether fixed point gives the answers of floats, by the meaning of a network's outputs. */

/** Largest difference between two probabilities that count as the same. */
const PROBABILITY = 0.05;

/**
 * Largest error of an independent logit: 5 points of probability where the sigmoid is steepest, or a tenth of the
 * spread. Without it, logits that are all far from zero would allow any error.
 */
const LOGIT = { least: 0.2, ofSpread: 0.1 };

/** Largest error of a value, relative to how far the values of an output spread. */
const VALUE = 0.05;

/** The condition for two answers to be the same, in words. */
export const SAME: Record<OutputHead, string> = {
  softmax: 'same class',
  sigmoid: 'same class, and its probability to 5 points,',
  'multi-label': 'same labels, and their probabilities to 5 points,',
  values: 'same values, to 5% of their spread,',
};

/**
 * Whether `fixed` and `float` are the same answer: the same class; for sigmoids the same side of one half and nearly
 * the same probability and logit, because the sign alone might never change; for values, within a share of their
 * spread.
 *
 * @param spreads spread of each output (`spreadsOf`)
 */
export function sameAnswer(
  head: OutputHead,
  fixed: ArrayLike<number>,
  float: ArrayLike<number>,
  spreads: readonly number[],
): boolean {
  if (head === 'softmax') return indexOfLargest(fixed) === indexOfLargest(float);
  return Array.from(float).every((value, i) => {
    if (head === 'values') return Math.abs(fixed[i] - value) <= VALUE * spreads[i];
    return (
      fixed[i] > 0 === value > 0 &&
      Math.abs(sigmoid(fixed[i]) - sigmoid(value)) <= PROBABILITY &&
      Math.abs(fixed[i] - value) <= Math.max(LOGIT.least, LOGIT.ofSpread * spreads[i])
    );
  });
}

/**
 * Returns the spread of each output over the images: its standard deviation, or its largest magnitude if it is
 * constant.
 */
export function spreadsOf(outputs: readonly ArrayLike<number>[]): number[] {
  return Array.from({ length: outputs[0].length }, (_, i) => {
    const values = outputs.map((output) => output[i]);
    const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
    const deviation = Math.sqrt(values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / values.length);
    const largest = values.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
    return deviation > 1e-6 * largest ? deviation : largest;
  });
}

/** Whether all images have the same answer (class or labels), so that agreement means little. */
export function isOneAnswer(head: OutputHead, outputs: readonly ArrayLike<number>[]): boolean {
  if (head === 'values') return false;
  const answers = outputs.map((output) =>
    head === 'softmax'
      ? String(indexOfLargest(output))
      : Array.from(output, (logit) => (logit > 0 ? '1' : '0')).join(''),
  );
  return outputs.length > 1 && new Set(answers).size === 1;
}

export function indexOfLargest(values: ArrayLike<number>): number {
  let best = 0;
  for (let i = 1; i < values.length; i++) if (values[i] > values[best]) best = i;
  return best;
}
