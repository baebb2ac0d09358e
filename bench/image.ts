import type { RawImage } from '../client/index.ts';
import { matchesPlaintext } from '../client/matches-plaintext.ts';
import { SphynxError } from '../errors/sphynx-error.ts';
import type { FixedNetwork } from '../model/network.ts';
import { seededRandom } from '../model/random.ts';

/** The image that is classified again and again: noise, since no step's time depends on it. */
export function randomPixels({ card }: FixedNetwork): RawImage {
  const { width, height } = card.preprocessing;
  const random = seededRandom(1);
  return { width, height, data: Uint8Array.from({ length: 3 * width * height }, () => 256 * random()) };
}

/** Throws 'internal' if private logits are not the integer executor's: there is no figure of a wrong computation. */
export async function requireCorrect(
  network: FixedNetwork,
  image: RawImage,
  logits: readonly number[],
): Promise<void> {
  const scaled = logits.map((logit) => logit * 2 ** network.card.logitScaleBits);
  if (!(await matchesPlaintext(network, image, scaled)))
    throw new SphynxError('internal', 'a private result does not equal the plaintext one');
}
