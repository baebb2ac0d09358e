import type { ClassifyInput, ModelCard } from '../../client/index.ts';
import { prepareInput } from '../../client/input.ts';
import { decodeImage } from '../../client/node/decode-image.ts';
import { asSphynxError, type SphynxError } from '../../errors/sphynx-error.ts';
import { readSamples } from './read-samples.ts';

/** One input from the command line, or the error that prevents it. */
export type NamedInput =
  | { readonly name: string; readonly input: ClassifyInput }
  | { readonly name: string; readonly failure: SphynxError };

/**
 * Reads and checks the inputs in files: one picture per file, decoded to the size that the model takes, or, for models
 * that take numbers, one or several inputs per file.
 */
export async function readInputs(files: readonly string[], card: ModelCard): Promise<NamedInput[]> {
  const inputs = await Promise.all(files.map((file) => inputsOf(file, card)));
  return inputs.flat();
}

async function inputsOf(file: string, card: ModelCard): Promise<NamedInput[]> {
  try {
    if (card.inputKind === 'picture') return [{ name: file, input: await decodeImage(file, card) }];
    const samples = await readSamples(file, card);
    return await Promise.all(samples.map(({ name, values }) => checked(name, values, card)));
  } catch (error) {
    return [{ name: file, failure: asSphynxError(error) }];
  }
}

async function checked(name: string, input: ClassifyInput, card: ModelCard): Promise<NamedInput> {
  try {
    await prepareInput(input, card);
    return { name, input };
  } catch (error) {
    return { name, failure: asSphynxError(error) };
  }
}
