import { Prg, randomSeed } from '../crypto/prg.ts';
import { quantizeImage, stochasticRange } from '../model/executor.ts';
import type { FixedNetwork } from '../model/network.ts';
import { type ImageInput, prepareImage } from './image.ts';

/** Plain evaluations from which the range of each logit is estimated. */
const RUNS = 32;

/** Standard deviations that a logit may lie off the mean: chance exceeds it once in 10^14 logits. */
const DEVIATIONS = 8;

/**
 * Whether private logits (integers at the card's scale) are what the plaintext integer executor computes on the
 * same image. Truncation of shares rounds at random, so the executor gives a range per logit, not one value:
 * all logits must lie in it, and the top class must be the executor's, unless two classes are nearer to each
 * other than the rounding.
 */
export async function matchesPlaintext(
  network: FixedNetwork,
  image: ImageInput,
  logits: readonly number[],
): Promise<boolean> {
  const input = quantizeImage(network.card, await prepareImage(image, network.card));
  const random = new Prg(randomSeed(), 'plaintext rounding');
  const { mean, deviation } = stochasticRange(network, input, RUNS, () => random.words(1)[0] / 2 ** 32);
  const inRange = logits.every((logit, i) => Math.abs(logit - mean[i]) <= DEVIATIONS * deviation[i]);
  const [top, expected] = [indexOfLargest(logits), indexOfLargest(mean)];
  const tie = DEVIATIONS * Math.hypot(deviation[top], deviation[expected]);
  return inRange && mean[expected] - mean[top] <= (top === expected ? 0 : tie);
}

function indexOfLargest(values: ArrayLike<number>): number {
  let best = 0;
  for (let i = 1; i < values.length; i++) if (values[i] > values[best]) best = i;
  return best;
}
