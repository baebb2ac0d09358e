import { setImmediate } from 'node:timers/promises';
import { Prg, randomSeed } from '../../crypto/prg.ts';
import { quantizeImage, runInteger, stochastic } from '../../model/executor.ts';
import type { OutputHead } from '../../model/head.ts';
import { likely } from '../../model/linear-error.ts';
import type { FixedNetwork } from '../../model/network.ts';
import { indexOfLargest } from './answers.ts';

/** Accuracy of float and fixed point on inputs with known classes (percent). */
export interface Accuracy {
  readonly images: number;
  readonly float: number;
  readonly fixed: number;
  /** Share of the inputs for which both give the same class. */
  readonly agreement: number;
}

/** Inputs with the numbers of their classes, and the float network's outputs. */
export interface LabelledInputs {
  readonly images: readonly Float32Array[];
  readonly classes: readonly number[];
  readonly logits: readonly Float32Array[];
}

/**
 * Compares the integer executor, with carries and errors as random as in a private inference, with the float network.
 * `done`: called after each input.
 */
export async function accuracyOf(
  network: FixedNetwork,
  { images, classes, logits }: LabelledInputs,
  done: () => void,
): Promise<Accuracy> {
  const { head } = network.card;
  const random = randomNumbers();
  const right = { float: 0, fixed: 0, agreement: 0 };
  for (const [i, image] of images.entries()) {
    const input = quantizeImage(network.card, image);
    const integers = runInteger(network, input, stochastic(random), likely(random)).logits;
    const [float, fixed] = [classIn(head, logits[i]), classIn(head, integers)];
    if (float === classes[i]) right.float++;
    if (fixed === classes[i]) right.fixed++;
    if (float === fixed) right.agreement++;
    if (i % 20 === 0) await setImmediate();
    done();
  }
  const percent = (count: number) => Math.round((10_000 * count) / images.length) / 100;
  return {
    images: images.length,
    float: percent(right.float),
    fixed: percent(right.fixed),
    agreement: percent(right.agreement),
  };
}

/** Returns two standard errors of an accuracy in percent (points). */
export function giveOrTake(accuracy: number, images: number): number {
  return 2 * Math.sqrt((accuracy * (100 - accuracy)) / images);
}

/** Returns the class that logits indicate: the likeliest, or for one logit its sign. */
function classIn(head: OutputHead, logits: ArrayLike<number>): number {
  return head === 'sigmoid' ? Number(logits[0] > 0) : indexOfLargest(logits);
}

/** Random numbers in [0, 1), drawn in blocks. */
function randomNumbers(): () => number {
  const prg = new Prg(randomSeed(), 'rounding');
  let block = new Uint32Array(0);
  let next = 0;
  return () => {
    if (next === block.length) {
      block = prg.words(1 << 16);
      next = 0;
    }
    return block[next++] / 2 ** 32;
  };
}
