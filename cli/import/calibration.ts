import { existsSync } from 'node:fs';
import { readdir, stat } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { prepareImage } from '../../client/image.ts';
import { normaliseValues } from '../../client/values.ts';
import { asSphynxError, SphynxError } from '../../errors/sphynx-error.ts';
import type { Shape } from '../../model/card.ts';
import type { ModelFacts } from '../../model/fixed-point/quantize.ts';
import { elementsOf } from '../../model/geometry.ts';
import { seededRandom } from '../../model/random.ts';
import { readCifar } from '../plan/cifar.ts';
import { NUMBERS, readSamples, type Sample } from '../values/read-samples.ts';

/** Normalised inputs [channels, height, width], and where they are from. */
export interface Calibration {
  readonly source: string;
  readonly images: readonly Float32Array[];
  /** Files that could not be read, and why the first one could not. */
  readonly skipped: { readonly count: number; readonly first: string | null };
}

const NONE = { count: 0, first: null };

const PICTURE = /\.(png|jpe?g|webp)$/i;

/**
 * At most `most` inputs of a folder, or of one file: for pictures PNG, JPEG or WebP as the client prepares them, or
 * CIFAR-100's `train.bin`; for numbers .npy, CSV or JSON files. Files that cannot be read are skipped and counted, and so
 * are hidden ones, such as macOS's `._NAME`, without a word. Throws 'config/invalid' where nothing can be read.
 */
export async function readCalibration(
  source: string,
  facts: ModelFacts,
  input: Shape,
  most: number,
): Promise<Calibration> {
  if (facts.inputKind !== 'picture') return readNumbers(source, facts, input, most);
  if (existsSync(join(source, 'train.bin'))) return readCifarImages(source, facts, input, most);
  const pictures = await filesOf(source, PICTURE, "PNG, JPEG or WebP files nor CIFAR-100's train.bin");
  const { name, preprocessing } = facts;
  return readSpread(pictures, source, most, async (file) => [
    await prepareImage(file, { name, input, preprocessing }),
  ]);
}

async function readCifarImages(
  folder: string,
  facts: ModelFacts,
  { channels, height, width }: Shape,
  most: number,
): Promise<Calibration> {
  if (channels !== 3 || height !== 32 || width !== 32)
    throw new SphynxError(
      'config/invalid',
      `${folder} holds CIFAR images of 3x32x32, the model takes others`,
    );
  const images = await readCifar(folder, 'train', facts);
  const count = Math.min(most, images.count);
  return {
    source: folder,
    images: Array.from({ length: count }, (_, i) => images.image(i)),
    skipped: NONE,
  };
}

/** Samples of files with numbers, spread over each file: rows of one class often lie together. */
async function readNumbers(
  source: string,
  facts: ModelFacts,
  input: Shape,
  most: number,
): Promise<Calibration> {
  const files = await filesOf(
    source,
    NUMBERS,
    'numbers in .npy, CSV or JSON files, nor other files that this model can read',
  );
  const perFile = Math.ceil(most / Math.min(most, files.length));
  return readSpread(files, source, most, async (file) => {
    const samples = await readSamples(file, { ...facts, input });
    return spread(samples, perFile).map(({ values }: Sample) =>
      Float32Array.from(normaliseValues(values, { ...facts, input })),
    );
  });
}

/** Files of a folder and its subfolders, or the one file; hidden ones are left out. Throws 'config/invalid'. */
async function filesOf(source: string, kind: RegExp, wanted: string): Promise<string[]> {
  const cannotRead = (cause: unknown) => {
    throw new SphynxError('config/invalid', `cannot read ${source}`, { cause });
  };
  if ((await stat(source).catch(cannotRead)).isFile()) return [source];
  const names = await readdir(source, { recursive: true }).catch(cannotRead);
  const files = names.filter((name) => kind.test(name) && !basename(name).startsWith('.')).sort();
  if (files.length === 0) throw new SphynxError('config/invalid', `${source} holds neither ${wanted}`);
  return files.map((name) => join(source, name));
}

/** What `read` makes of files spread over the folder, until there are `most`; others take the place of those it cannot read. */
async function readSpread(
  files: readonly string[],
  source: string,
  most: number,
  read: (file: string) => Promise<Float32Array[]>,
): Promise<Calibration> {
  const first = spread(files, most);
  const rest = files.filter((file) => !first.includes(file));
  const images: Float32Array[] = [];
  const failures: string[] = [];
  for (const file of [...first, ...rest]) {
    if (images.length >= most) break;
    try {
      images.push(...(await read(file)));
    } catch (error) {
      const { code, message } = asSphynxError(error);
      if (code !== 'image/unreadable' && code !== 'input/invalid') throw error;
      failures.push(message);
    }
  }
  if (images.length === 0)
    throw new SphynxError('config/invalid', `nothing in ${source} can be read; the first: ${failures[0]}`);
  return {
    source,
    images: images.slice(0, most),
    skipped: { count: failures.length, first: failures[0] ?? null },
  };
}

/** At most `most` of a list, evenly spread over it. */
function spread<T>(list: readonly T[], most: number): T[] {
  const step = Math.max(1, list.length / most);
  return Array.from({ length: Math.min(most, list.length) }, (_, i) => list[Math.floor(i * step)]);
}

/** Patches of random colours, from single pixels to quarters of the image, where nothing else is at hand. */
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
      // The pixels of a picture lie between 0 and 1; other values are spread as normalised ones are.
      if (facts.inputKind !== 'picture') return 4 * colours[colour] - 2;
      return (colours[colour] - mean[channel]) / std[channel];
    });
  });
  return { source: 'random inputs', images, skipped: NONE };
}
