import { Prg, randomSeed } from '../../crypto/prg.ts';
import { quantizeImage, runInteger, stochastic } from '../../model/executor.ts';
import type { FloatRuntime } from '../../model/float-runtime.ts';
import { likely } from '../../model/linear-error.ts';
import type { FixedNetwork } from '../../model/network.ts';
import type { LabelledImages } from './cifar.ts';

/** Float and fixed point on the same images. Percentages. */
export interface Accuracy {
  readonly images: number;
  readonly float: number;
  readonly fixed: number;
  /** Images on which both give the same class. */
  readonly agreement: number;
}

/** The classes that the float network gives images first .. first + count. */
export async function floatClasses(
  runtime: FloatRuntime,
  images: LabelledImages,
  count: number,
): Promise<number[]> {
  const classes: number[] = [];
  for (let i = 0; i < count; i++) classes.push(largest(await runtime.logits(images.image(i))));
  return classes;
}

/**
 * Compares the integer executor, with carries as random as in a private inference, with the float classes.
 * `onProgress` hears of every image.
 */
export async function compare(
  network: FixedNetwork,
  images: LabelledImages,
  float: readonly number[],
  onProgress: (done: number) => Promise<void>,
): Promise<Accuracy> {
  const random = randomNumbers();
  const right = { float: 0, fixed: 0, agreement: 0 };
  for (const [i, floatClass] of float.entries()) {
    const { logits } = runInteger(
      network,
      quantizeImage(network.card, images.image(i)),
      stochastic(random),
      likely(random),
    );
    const fixedClass = largest(logits);
    const label = images.label(i);
    if (floatClass === label) right.float++;
    if (fixedClass === label) right.fixed++;
    if (floatClass === fixedClass) right.agreement++;
    await onProgress(i + 1);
  }
  const percent = (count: number) => Math.round((10_000 * count) / float.length) / 100;
  return {
    images: float.length,
    float: percent(right.float),
    fixed: percent(right.fixed),
    agreement: percent(right.agreement),
  };
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

function largest(values: ArrayLike<number>): number {
  let best = 0;
  for (let i = 1; i < values.length; i++) if (values[i] > values[best]) best = i;
  return best;
}
