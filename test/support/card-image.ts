import { randomBytes } from 'node:crypto';
import type { ModelCard } from '../../model/card.ts';

/** A random image in the range of normalised pixels, about -2.5 to 2.5, as integers at the card's input scale. */
export function randomImage({ input, preprocessing }: ModelCard): Int32Array {
  const bytes = randomBytes(input.channels * input.height * input.width);
  return Int32Array.from(bytes, (byte) => Math.round(((byte - 128) / 51) * 2 ** preprocessing.scaleBits[0]));
}
