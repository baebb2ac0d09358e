import { seededRandom } from '../../fixtures/seeded-random.ts';

/** Repeatable choices of one case. */
export class Choices {
  readonly #random: () => number;

  constructor(seed: number, number: number) {
    this.#random = seededRandom(Math.imul(seed, 0x9e3779b1) ^ Math.imul(number, 0x85ebca6b));
  }

  /** A whole number from 0 to `end` - 1. */
  below(end: number): number {
    return Math.floor(this.#random() * end);
  }

  chance(probability: number): boolean {
    return this.#random() < probability;
  }

  /** One of at least one value. */
  of<Value>(values: readonly Value[]): Value {
    return values[this.below(values.length)];
  }

  /** Returns an index of `weights`, with a probability proportional to its weight. */
  weighted(weights: readonly number[]): number {
    let left = this.#random() * weights.reduce((sum, weight) => sum + weight, 0);
    for (const [i, weight] of weights.entries()) {
      left -= weight;
      if (left < 0) return i;
    }
    return weights.length - 1;
  }

  bytes(length: number): Buffer {
    return Buffer.from(Uint8Array.from({ length }, () => this.below(256)));
  }
}
