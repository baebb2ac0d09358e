import type { ModelCard } from '../model/card.ts';

/** A class, and its place among the labels. */
export interface Score {
  readonly label: string;
  /** Its probability; null if the server keeps the logits. */
  readonly p: number | null;
  readonly index: number;
}

/** Integer logits in their real unit: times 2^-logitScaleBits, exact. */
export function realLogits(card: Pick<ModelCard, 'logitScaleBits'>, logits: Int32Array): Float64Array {
  return Float64Array.from(logits, (value) => value / 2 ** card.logitScaleBits);
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

/** The first `count` of the classes that the server's model gives in place of logits, the likeliest first. */
export function topClasses(labels: readonly string[], classes: readonly number[], count: number): Score[] {
  return classes.slice(0, count).map((index) => ({ label: labels[index], p: null, index }));
}
