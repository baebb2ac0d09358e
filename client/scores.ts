import type { ModelCard } from '../model/card.ts';

/** A class with its probability, and its place among the labels. */
export interface Score {
  readonly label: string;
  readonly p: number;
  readonly index: number;
}

/** Integer logits in their real unit: times 2^-logitScaleBits, exact. */
export function realLogits(card: Pick<ModelCard, 'logitScaleBits'>, logits: Int32Array): Float64Array {
  return Float64Array.from(logits, (value) => value / 2 ** card.logitScaleBits);
}

/** The `count` likeliest classes by softmax over all logits, the likeliest first. */
export function topScores(labels: readonly string[], logits: Float64Array, count: number): Score[] {
  const largest = logits.reduce((a, b) => Math.max(a, b), -Infinity);
  const weights = logits.map((value) => Math.exp(value - largest));
  const sum = weights.reduce((a, b) => a + b, 0);
  return Array.from(weights, (weight, index) => ({ label: labels[index], p: weight / sum, index }))
    .sort((a, b) => b.p - a.p || logits[b.index] - logits[a.index])
    .slice(0, count);
}
