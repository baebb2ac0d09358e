import { normaliseValues } from '../../client/values.ts';
import { asSphynxError, SphynxError } from '../../errors/sphynx-error.ts';
import { seededRandom } from '../../fixtures/seeded-random.ts';
import type { ModelFacts } from '../../model/fixed-point/quantize.ts';
import { elementsOf } from '../../model/geometry.ts';
import type { Shape } from '../../model/shape.ts';
import type { Part, Reader } from '../datasets/data-set.ts';
import { filesBelow } from '../datasets/picture-files.ts';
import { spread } from '../datasets/spread.ts';
import { NUMBERS, readSamples, type Sample } from '../values/read-samples.ts';

/** Normalised inputs [channels, height, width], and their source. */
export interface Calibration {
  readonly source: string;
  readonly images: readonly Float32Array[];
  /** The class of each input, by the data set's numbers; null for inputs without a class. */
  readonly classes: readonly (number | null)[];
  /** Number of unreadable files, and the reason for the first one. */
  readonly skipped: { readonly count: number; readonly first: string | null };
}

/** Fewer inputs than this are used both to measure and to check. */
export const FEW_INPUTS = 12;

/** The inputs of one file: one picture with its class, or several rows of numbers. */
interface Entry {
  readonly image: Float32Array;
  readonly label: number | null;
}

/**
 * Reads at most `most` pictures, spread over a part of a data set. Unreadable files are skipped, counted and replaced
 * by others. Throws 'config/invalid' if nothing can be read.
 */
export async function readPictures(
  part: Part,
  source: string,
  reader: Reader,
  most: number,
): Promise<Calibration> {
  const places = Array.from({ length: part.count }, (_, i) => i);
  return readSpread(places, source, most, async (i) => [
    { image: await part.read(i, reader), label: part.classOf(i) },
  ]);
}

/** Reads samples of files with numbers, spread over each file, because rows of one class are often adjacent. */
export async function readNumbers(
  source: string,
  facts: ModelFacts,
  input: Shape,
  most: number,
): Promise<Calibration> {
  const files = await filesBelow(source, NUMBERS);
  if (files.length === 0)
    throw new SphynxError(
      'config/invalid',
      `${source} holds neither numbers in .npy, CSV or JSON files, nor other files that this model can read`,
    );
  const perFile = Math.ceil(most / Math.min(most, files.length));
  return readSpread(files, source, most, async (file) => {
    const samples = await readSamples(file, { ...facts, input });
    return spread(samples, perFile).map(({ values }: Sample) => ({
      image: Float32Array.from(normaliseValues(values, { ...facts, input })),
      label: null,
    }));
  });
}

/** Reads files spread over the source until there are `most` inputs; unreadable files are replaced by others. */
async function readSpread<File>(
  files: readonly File[],
  source: string,
  most: number,
  read: (file: File) => Promise<Entry[]>,
): Promise<Calibration> {
  const first = spread(files, most);
  const chosen = new Set(first);
  const rest = files.filter((file) => !chosen.has(file));
  const entries: Entry[] = [];
  const failures: string[] = [];
  for (const file of [...first, ...rest]) {
    if (entries.length >= most) break;
    try {
      entries.push(...(await read(file)));
    } catch (error) {
      const { code, message } = asSphynxError(error);
      if (code !== 'image/unreadable' && code !== 'input/invalid') throw error;
      failures.push(message);
    }
  }
  if (entries.length === 0)
    throw new SphynxError('config/invalid', `nothing in ${source} can be read; the first: ${failures[0]}`);
  const taken = entries.slice(0, most);
  return {
    source,
    images: taken.map(({ image }) => image),
    classes: taken.map(({ label }) => label),
    skipped: { count: failures.length, first: failures[0] ?? null },
  };
}

/** Generates patches of random colours, from single pixels to quarters of the image, for imports without inputs. */
export function randomCalibration(facts: ModelFacts, input: Shape, count: number): Calibration {
  const random = seededRandom(1);
  const { mean, std } = facts.preprocessing;
  const { channels, height, width } = input;
  const images = Array.from({ length: count }, (_, i) => {
    const patch = Math.max(1, Math.floor(Math.min(height, width) / 2 ** (1 + (i % 5))));
    const columns = Math.ceil(width / patch);
    const colours = Float32Array.from({ length: channels * columns * Math.ceil(height / patch) }, random);
    return Float32Array.from({ length: elementsOf(input) }, (_, at) => {
      const [x, y] = [at % width, Math.floor(at / width) % height];
      const channel = Math.floor(at / (width * height));
      const colour =
        (channel * Math.ceil(height / patch) + Math.floor(y / patch)) * columns + Math.floor(x / patch);
      // The pixels of a picture are between 0 and 1; other values have the spread of normalised ones.
      if (facts.inputKind !== 'picture') return 4 * colours[colour] - 2;
      return (colours[colour] - mean[channel]) / std[channel];
    });
  });
  return {
    source: 'random inputs',
    images,
    classes: images.map(() => null),
    skipped: { count: 0, first: null },
  };
}
