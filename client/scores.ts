import type { ModelCard } from '../model/card.ts';

/** A class, a label or an output, and its place among the labels. */
export interface Score {
  /** Its name in the card. */
  readonly label: string;
  /** Its probability; null if the server keeps the logits, and of outputs that are no logits. */
  readonly p: number | null;
  /** Its place among the labels, from 0 on. */
  readonly index: number;
  /** The output itself, where the card's head is 'values'. */
  readonly value?: number;
}

/** Classes that are told where the caller does not say how many. */
const FEW = 5;

/** Integer logits in their real unit: times 2^-logitScaleBits, exact. */
export function realLogits(card: Pick<ModelCard, 'logitScaleBits'>, logits: Int32Array): Float64Array {
  return Float64Array.from(logits, (value) => value / 2 ** card.logitScaleBits);
}

/**
 * What the logits mean by the head of the card. Classes come with the likeliest first, at most `count` of them. Labels
 * that apply by themselves come with their own probabilities, the largest first, and values in the card's order; of
 * both all, unless `count` says otherwise.
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

/** The `count` likeliest classes by softmax over all logits, the likeliest first. */
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

/** The probability that a logit means. */
export function sigmoid(logit: number): number {
  return 1 / (1 + Math.exp(-logit));
}

/** The first `count` of the classes that the server's model gives in place of logits, the likeliest first. */
export function topClasses(labels: readonly string[], classes: readonly number[], count = FEW): Score[] {
  return classes.slice(0, count).map((index) => ({ label: labels[index], p: null, index }));
}
