import type { ClassifyInput } from '../client/index.ts';
import { matchesPlaintext } from '../client/matches-plaintext.ts';
import { SphynxError } from '../errors/sphynx-error.ts';
import { seededRandom } from '../fixtures/seeded-random.ts';
import { elementsOf } from '../model/geometry.ts';
import type { FixedNetwork } from '../model/network.ts';

/**
 * Returns the input that is classified repeatedly, in the model's form: noise, because no step's time depends on it.
 */
export function randomInput({ card }: FixedNetwork): ClassifyInput {
  const random = seededRandom(1);
  const { width, height, mean, std, scaleBits, limit } = card.preprocessing;
  if (card.inputKind === 'picture')
    return { width, height, data: Uint8Array.from({ length: 3 * width * height }, () => 256 * random()) };
  const elements = elementsOf(card.input);
  const area = elements / card.input.channels;
  return Float64Array.from({ length: elements }, (_, i) => {
    const channel = Math.floor(i / area);
    const most = (limit ?? 1) / 2 ** scaleBits[channel];
    return mean[channel] + std[channel] * most * (random() - 0.5);
  });
}

/** Throws 'internal' if private logits differ from the integer executor's, so that no wrong computation is measured. */
export async function requireCorrect(
  network: FixedNetwork,
  input: ClassifyInput,
  logits: readonly number[],
): Promise<void> {
  const scaled = logits.map((logit) => logit * 2 ** network.card.logitScaleBits);
  if (!(await matchesPlaintext(network, input, scaled)))
    throw new SphynxError('internal', 'a private result does not equal the plaintext one');
}
