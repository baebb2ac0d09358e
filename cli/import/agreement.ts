import { setImmediate } from 'node:timers/promises';
import { nearest, quantizeImage, runInteger } from '../../model/executor.ts';
import type { FixedNetwork } from '../../model/network.ts';
import { sameAnswer, spreadsOf } from './answers.ts';

/** Fixed point against floats on the same images. */
export interface Agreement {
  readonly images: number;
  /** Share of the images for which both give the same answer (percent), by `sameAnswer` for the network's head. */
  readonly sameAnswer: number;
  /**
   * Errors of the logits, in their own unit; `spread` is the standard deviation of the float logits, for comparison.
   */
  readonly meanError: number;
  readonly maxError: number;
  readonly spread: number;
  /** Time of one image on the integer executor (ms). */
  readonly ms: number;
}

/**
 * Runs the images in integers, rounded to nearest, and compares the results with their float logits. Can be interrupted
 * between images.
 */
export async function agreementOf(
  network: FixedNetwork,
  images: readonly Float32Array[],
  logits: readonly Float32Array[],
): Promise<Agreement> {
  const { head } = network.card;
  const spreads = spreadsOf(logits);
  const unit = 2 ** -network.card.logitScaleBits;
  let [same, total, largest, count, squares, sum] = [0, 0, 0, 0, 0, 0];
  const start = performance.now();
  for (const [i, image] of images.entries()) {
    const integers = runInteger(network, quantizeImage(network.card, image), nearest).logits;
    const fixed = Float64Array.from(integers, (integer) => integer * unit);
    if (sameAnswer(head, fixed, logits[i], spreads)) same++;
    for (const [c, logit] of logits[i].entries()) {
      const error = Math.abs(fixed[c] - logit);
      [total, largest, count] = [total + error, Math.max(largest, error), count + 1];
      [sum, squares] = [sum + logit, squares + logit * logit];
    }
    await setImmediate();
  }
  return {
    images: images.length,
    sameAnswer: (100 * same) / images.length,
    meanError: total / count,
    maxError: largest,
    spread: Math.sqrt(Math.max(0, squares / count - (sum / count) ** 2)),
    ms: (performance.now() - start) / images.length,
  };
}
