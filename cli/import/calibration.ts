import { existsSync } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { prepareImage } from '../../client/image.ts';
import { SphynxError } from '../../errors/sphynx-error.ts';
import type { Shape } from '../../model/card.ts';
import type { ModelFacts } from '../../model/fixed-point/quantize.ts';
import { elementsOf } from '../../model/geometry.ts';
import { seededRandom } from '../../model/random.ts';
import { readCifar } from '../plan/cifar.ts';

/** Normalised images [channels, height, width], and where they are from. */
export interface Calibration {
  readonly source: string;
  readonly images: readonly Float32Array[];
}

const PICTURE = /\.(png|jpe?g|webp)$/i;

/**
 * At most `most` images of a folder: PNG, JPEG or WebP as the client prepares them, or CIFAR-100's `train.bin`.
 * Throws 'config/invalid' where there are none.
 */
export async function readCalibration(
  folder: string,
  facts: ModelFacts,
  input: Shape,
  most: number,
): Promise<Calibration> {
  if (existsSync(join(folder, 'train.bin'))) {
    const { channels, height, width } = input;
    if (channels !== 3 || height !== 32 || width !== 32)
      throw new SphynxError(
        'config/invalid',
        `${folder} holds CIFAR images of 3x32x32, the model takes others`,
      );
    const images = await readCifar(folder, 'train', facts);
    const count = Math.min(most, images.count);
    return { source: folder, images: Array.from({ length: count }, (_, i) => images.image(i)) };
  }
  const names = await readdir(folder, { recursive: true }).catch((cause) => {
    throw new SphynxError('config/invalid', `cannot read the folder ${folder}`, { cause });
  });
  const pictures = names.filter((name) => PICTURE.test(name)).sort();
  if (pictures.length === 0)
    throw new SphynxError(
      'config/invalid',
      `${folder} holds neither PNG, JPEG or WebP files nor CIFAR-100's train.bin`,
    );
  const preprocessing = { ...facts.preprocessing, scaleBits: 0 };
  const images: Float32Array[] = [];
  // Spread over the folder: pictures of one class often lie together.
  const step = Math.max(1, pictures.length / most);
  for (let i = 0; Math.floor(i) < pictures.length; i += step)
    images.push(
      await prepareImage(join(folder, pictures[Math.floor(i)]), { name: facts.name, input, preprocessing }),
    );
  return { source: folder, images };
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
      return (colours[colour] - mean[channel]) / std[channel];
    });
  });
  return { source: 'random patches', images };
}
