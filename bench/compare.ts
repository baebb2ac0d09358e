import { Command, InvalidArgumentError } from 'commander';
import { SphynxError } from '../errors/sphynx-error.ts';
import { seededRandom } from '../fixtures/seeded-random.ts';
import { type Results, readResults } from './results.ts';
import { median } from './statistics.ts';

/** The difference of one figure of one entry between two results. */
export interface Comparison {
  readonly name: string;
  readonly network: string;
  readonly figure: string;
  readonly before: number;
  readonly after: number;
  /** Ratio of the medians, after over before, with its confidence interval; above 1 is slower. */
  readonly ratio: Interval;
  /** Whether either has too few samples for a judgement. */
  readonly few: boolean;
}

export interface Interval {
  readonly low: number;
  readonly value: number;
  readonly high: number;
}

const RESAMPLES = 2000;
const CONFIDENCE = 0.95;

/**
 * With fewer samples a resampled median means little: five different samples are all on one side by chance once in 16.
 */
const LEAST_SAMPLES = 5;

/**
 * Computes the ratio of the medians of two sets of samples, with its percentile bootstrap interval (Efron and
 * Tibshirani, An Introduction to the Bootstrap, chapter 13). The same samples give the same interval.
 */
export function ratioOfMedians(before: readonly number[], after: readonly number[]): Interval {
  const random = seededRandom(1);
  const [old, fresh] = [resampling(before, random), resampling(after, random)];
  const ratios = new Float64Array(RESAMPLES);
  for (let i = 0; i < RESAMPLES; i++) ratios[i] = fresh() / old();
  ratios.sort();
  const tail = Math.floor(((1 - CONFIDENCE) / 2) * RESAMPLES);
  return {
    low: ratios[tail],
    value: median(after) / median(before),
    high: ratios[RESAMPLES - 1 - tail],
  };
}

/** Returns a function that gives the median of as many samples drawn from `samples`, with replacement. */
function resampling(samples: readonly number[], random: () => number): () => number {
  const sorted = Float64Array.from(samples).sort();
  const { length } = sorted;
  // Counts of each sample, in ascending order, say where the middle is: sorting every draw would take far longer.
  const counts = new Int32Array(length);
  const at = (rank: number): number => {
    let i = 0;
    for (let seen = counts[0]; seen <= rank; seen += counts[i]) i++;
    return sorted[i];
  };
  return () => {
    counts.fill(0);
    for (let i = 0; i < length; i++) counts[Math.floor(length * random())]++;
    return (at((length - 1) >> 1) + at(length >> 1)) / 2;
  };
}

/** Compares every figure that both results have. Throws 'config/invalid' if there is none. */
export function compareResults(before: Results, after: Results): Comparison[] {
  const comparisons = before.entries.flatMap((old) => {
    const { name, network } = old;
    const fresh = after.entries.find((entry) => entry.name === name && entry.network === network);
    return Object.entries(old.figures).flatMap(([figure, { samples, median: was }]) => {
      const now = fresh?.figures[figure];
      if (!now) return [];
      const few = Math.min(samples.length, now.samples.length) < LEAST_SAMPLES;
      const ratio = ratioOfMedians(samples, now.samples);
      return [{ name, network, figure, before: was, after: now.median, ratio, few }];
    });
  });
  if (comparisons.length === 0)
    throw new SphynxError('config/invalid', 'the two files have no network and figure in common');
  return comparisons;
}

/** Whether a figure grew significantly beyond a ratio. */
export function isRegression({ ratio, few }: Comparison, threshold: number): boolean {
  return !few && ratio.low > threshold;
}

/** Describes a comparison for people. */
export function describeComparison(comparison: Comparison, threshold: number): string {
  const { name, network, figure, before, after, ratio, few } = comparison;
  const verdict = isRegression(comparison, threshold) ? '  SLOWER' : few ? '  too few samples' : '';
  return [
    `${name} over ${network}`.padEnd(36),
    figure.padEnd(12),
    `${before.toFixed(1)} to ${after.toFixed(1)}`.padEnd(20),
    `x ${ratio.value.toFixed(2)} (${ratio.low.toFixed(2)} to ${ratio.high.toFixed(2)})${verdict}`,
  ].join('  ');
}

/** `npm run bench -- compare`. */
export function compareCommand(note: (text: string) => void): Command {
  return new Command('compare')
    .description('compare two runs; the exit code is 1 if the second one is slower')
    .argument('<before>', 'results of a suite')
    .argument('<after>', 'results of the same suite')
    .option('--threshold <ratio>', 'accepted growth of a median', positive, 1.1)
    .option('--figure <name>', 'one figure only, such as onlineMs')
    .action((first: string, second: string, options: { threshold: number; figure?: string }) => {
      const [before, after] = [readResults(first), readResults(second)];
      if (JSON.stringify(before.machine) !== JSON.stringify(after.machine))
        note('the two were measured on different machines or versions of Node');
      const comparisons = compareResults(before, after).filter(
        ({ figure }) => options.figure === undefined || figure === options.figure,
      );
      for (const comparison of comparisons)
        process.stdout.write(`${describeComparison(comparison, options.threshold)}\n`);
      if (comparisons.some((comparison) => isRegression(comparison, options.threshold))) process.exitCode = 1;
    });
}

function positive(text: string): number {
  const value = Number(text);
  if (!(value > 0)) throw new InvalidArgumentError('expected a ratio above 0, such as 1.1');
  return value;
}
