import { readFile } from 'node:fs/promises';
import { inputInWords } from '../../client/input-words.ts';
import { asSphynxError, SphynxError } from '../../errors/sphynx-error.ts';
import type { ModelCard } from '../../model/card.ts';
import { elementsOf } from '../../model/geometry.ts';
import { readNpy } from './npy.ts';
import type { Table } from './table.ts';
import { readCsv, readJson } from './text.ts';

/** One input of a model, and its source. */
export interface Sample {
  readonly name: string;
  readonly values: Float64Array;
}

/** Names of files that contain numbers. */
export const NUMBERS = /\.(npy|csv|tsv|json)$/i;

const PICTURES = /\.(png|jpe?g|webp|gif|bmp|tiff?|avif|heic)$/i;

/**
 * Reads the inputs in a file: one, or several along a first axis, such as the rows of a table. Throws 'input/invalid'
 * with the file's name if its shape is not the model's or it contains anything but numbers.
 */
export async function readSamples(
  file: string,
  { inputKind, input }: Pick<ModelCard, 'inputKind' | 'input'>,
): Promise<Sample[]> {
  if (PICTURES.test(file))
    throw new SphynxError(
      'input/invalid',
      `${file} is a picture, and the model takes ${inputInWords(inputKind, input)}: give them as a .npy, CSV or JSON file`,
    );
  const { shape, values } = await readTable(file);
  const own = squeezed([input.channels, input.height, input.width]);
  const given = squeezed(shape);
  const size = elementsOf(input);
  const one = given.join() === own.join() || given.join() === String(size);
  if (one) return [{ name: file, values }];
  const count = shape[0];
  const inner = squeezed(shape.slice(1)).join();
  if (shape.length < 2 || (inner !== own.join() && inner !== String(size)))
    throw new SphynxError(
      'input/invalid',
      `${file} holds numbers in the shape ${shape.join('x')}; the model takes ${inputInWords(inputKind, input)}: expected ${own.join('x') || '1'}, or several of them`,
    );
  if (count === 0) throw new SphynxError('input/invalid', `${file} holds nothing`);
  return Array.from({ length: count }, (_, i) => ({
    name: `${file} [${i}]`,
    values: values.subarray(i * size, (i + 1) * size),
  }));
}

/** Sizes without those of 1. */
function squeezed(shape: readonly number[]): number[] {
  return shape.filter((size) => size !== 1);
}

/** Reads the numbers in a .npy, CSV or JSON file. Throws 'input/invalid' with the file's name. */
export async function readTable(file: string): Promise<Table> {
  const bytes = await readFile(file).catch((cause) => {
    throw new SphynxError('input/invalid', `cannot read ${file}`, { cause });
  });
  try {
    if (/\.npy$/i.test(file)) return readNpy(bytes);
    return /\.json$/i.test(file) ? readJson(bytes.toString('utf8')) : readCsv(bytes.toString('utf8'));
  } catch (error) {
    const { code, message } = asSphynxError(error);
    throw new SphynxError(code, `${file}: ${message}`, { cause: error });
  }
}
