import { prepareImage } from '#client/image';
import { SphynxError } from '../errors/sphynx-error.ts';
import type { ModelCard } from '../model/card.ts';
import { quantizeImage } from '../model/executor.ts';
import type { ImageInput } from './image.ts';
import { inputInWords } from './input-words.ts';
import { isValues, quantizeValues, type ValuesInput } from './values.ts';

/** The input of a classification: a picture, or numbers. */
export type ClassifyInput = ImageInput | ValuesInput;

/**
 * Returns tensor 0 of an input according to the card. Throws 'input/invalid' for numbers that the model cannot take and
 * for the wrong kind of input, 'image/unreadable' for pictures that cannot be decoded.
 */
export async function prepareInput(input: ClassifyInput, card: ModelCard): Promise<Int32Array> {
  if (card.inputKind === 'picture') {
    // Bytes may be the content of an image file.
    if (isValues(input) && !(input instanceof Uint8Array))
      throw wrongKind(card, 'numbers were given: give a picture as a path, the bytes of a file, or pixels');
    return quantizeImage(card, await prepareImage(input as ImageInput, card));
  }
  if (!isValues(input))
    throw wrongKind(card, 'give them as a typed array, such as a Float32Array, channel by channel');
  return quantizeValues(input, card);
}

function wrongKind({ name, inputKind, input }: ModelCard, what: string): SphynxError {
  return new SphynxError(
    'input/invalid',
    `the model ${name} takes ${inputInWords(inputKind, input)}; ${what}`,
  );
}
