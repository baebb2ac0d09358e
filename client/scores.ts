import type { ModelCard } from '../model/card.ts';

/** A class, a label or an output with its score. */
export interface Score {
  /** Its name in the card. */
  readonly label: string;
  /** Its probability; null if the server withholds the logits, and for outputs that are not logits. */
  readonly p: number | null;
  /** Its index among the labels, from 0. */
  readonly index: number;
  /** The output itself, if the card's head is 'values'. */
  readonly value?: number;
}

/** Default number of reported classes. */
const FEW = 5;

/** Converts integer logits to real numbers: times 2^-logitScaleBits, exactly. */
export function realLogits(card: Pick<ModelCard, 'logitScaleBits'>, logits: Int32Array): Float64Array {
  return Float64Array.from(logits, (value) => value / 2 ** card.logitScaleBits);
}

/**
 * Interprets the logits by the head of the card. Returns at most `count` classes, the likeliest first. Independent
 * labels have their own probabilities and are returned with the largest first; values are returned in the card's order;
 * of both all, unless `count` is given.
 */
export function scoresOf(
  { head, labels }: Pick<ModelCard, 'head' | 'labels'>,
  logits: Float64Array,
  count?: number,
): Score[] {
  switch (head) {
    case 'softmax':
      return topScores(labels, logits, count ?? FEW);
    case 'sigmoid':
      // With a logit of 0 for the first class, a softmax is the sigmoid of the other's.
      return topScores(labels, Float64Array.of(0, logits[0]), count ?? 2);
    case 'multi-label':
      return Array.from(logits, (logit, index) => ({ label: labels[index], p: sigmoid(logit), index }))
        .sort((a, b) => b.p - a.p || logits[b.index] - logits[a.index])
        .slice(0, count);
    case 'values':
      return Array.from(logits, (value, index) => ({ label: labels[index], p: null, index, value })).slice(
        0,
        count,
      );
  }
}

/** Returns the `count` likeliest classes by softmax over all logits, the likeliest first. */
export function topScores(
  labels: readonly string[],
  logits: Float64Array,
  count: number,
): (Score & { readonly p: number })[] {
  const largest = logits.reduce((a, b) => Math.max(a, b), -Infinity);
  const weights = logits.map((value) => Math.exp(value - largest));
  const sum = weights.reduce((a, b) => a + b, 0);
  return Array.from(weights, (weight, index) => ({ label: labels[index], p: weight / sum, index }))
    .sort((a, b) => b.p - a.p || logits[b.index] - logits[a.index])
    .slice(0, count);
}

/** Returns the probability of a logit. */
export function sigmoid(logit: number): number {
  return 1 / (1 + Math.exp(-logit));
}

/** Returns the first `count` of the classes that the model outputs in place of logits, the likeliest first. */
export function topClasses(labels: readonly string[], classes: readonly number[], count = FEW): Score[] {
  return classes.slice(0, count).map((index) => ({ label: labels[index], p: null, index }));
}
