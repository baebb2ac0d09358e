import { Prg, randomSeed } from '../crypto/prg.ts';
import { stochasticRange } from '../model/executor.ts';
import type { FixedNetwork } from '../model/network.ts';
import { type ClassifyInput, prepareInput } from './input.ts';

/** Plain evaluations from which the range of each logit is estimated. */
const RUNS = 32;

/** Random words that are generated at once. */
const WORDS = 16384;

/** Standard deviations that a logit may differ from the mean: exceeded by chance once in 10^14 logits. */
const DEVIATIONS = 8;

/** The range of the logits of one image in the plaintext integer executor (integers at the card's scale). */
export type PlaintextRange = ReturnType<typeof stochasticRange>;

/** Computes the range of each logit: truncation of shares rounds randomly, so the executor has no single value. */
export async function plaintextRange(network: FixedNetwork, given: ClassifyInput): Promise<PlaintextRange> {
  const input = await prepareInput(given, network.card);
  return stochasticRange(network, input, RUNS, uniform(new Prg(randomSeed(), 'plaintext rounding')));
}

/** Numbers in [0, 1). */
function uniform(stream: Prg): () => number {
  let words = new Uint32Array(0);
  let used = 0;
  return () => {
    if (used === words.length) {
      words = stream.words(WORDS);
      used = 0;
    }
    return words[used++] / 2 ** 32;
  };
}

/**
 * Whether private logits (integers at the card's scale) agree with the executor's: all of them must lie in its range,
 * and the top class must be equal, unless two classes differ by less than the rounding.
 */
export function liesInRange(range: PlaintextRange, logits: readonly number[]): boolean {
  const { mean, deviation } = range;
  const inRange = logits.every((logit, i) => Math.abs(logit - mean[i]) <= DEVIATIONS * deviation[i]);
  return inRange && mayBeTop(range, indexOfLargest(logits));
}

/** Whether a private class may be the executor's likeliest: no other class exceeds it by more than the rounding. */
export function mayBeTop({ mean, deviation }: PlaintextRange, index: number): boolean {
  return [...mean].every(
    (other, i) => other - mean[index] <= DEVIATIONS * Math.hypot(deviation[index], deviation[i]),
  );
}

/** Whether private logits agree with the plaintext integer executor on the same image. */
export async function matchesPlaintext(
  network: FixedNetwork,
  input: ClassifyInput,
  logits: readonly number[],
): Promise<boolean> {
  return liesInRange(await plaintextRange(network, input), logits);
}

function indexOfLargest(values: ArrayLike<number>): number {
  let best = 0;
  for (let i = 1; i < values.length; i++) if (values[i] > values[best]) best = i;
  return best;
}
