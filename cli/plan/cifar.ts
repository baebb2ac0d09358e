import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { SphynxError } from '../../errors/sphynx-error.ts';
import type { ModelFacts } from '../../model/fixed-point/quantize.ts';

/** CIFAR-100 in its official binary layout: per image a coarse label, a fine label, and 3 planes of 32x32 bytes. */
const PIXELS = 3 * 32 * 32;
const RECORD = 2 + PIXELS;

export interface LabelledImages {
  readonly count: number;
  /** Image `index`, normalised: (pixel / 255 - mean) / std, [3, 32, 32]. */
  image(index: number): Float32Array;
  label(index: number): number;
}

/** The images of `train.bin` or `test.bin` in `folder`. Throws 'config/invalid' if it is not there or not whole. */
export async function readCifar(
  folder: string,
  split: 'train' | 'test',
  { preprocessing }: ModelFacts,
): Promise<LabelledImages> {
  const path = join(folder, `${split}.bin`);
  const bytes = await readFile(path).catch((cause) => {
    throw new SphynxError(
      'config/invalid',
      `cannot read ${path}: --data takes a folder with CIFAR-100's train.bin and test.bin`,
      { cause },
    );
  });
  if (bytes.length === 0 || bytes.length % RECORD !== 0)
    throw new SphynxError('config/invalid', `${path} does not hold whole records of ${RECORD} bytes`);
  const { mean, std } = preprocessing;
  return {
    count: bytes.length / RECORD,
    label: (index) => bytes[index * RECORD + 1],
    image: (index) =>
      Float32Array.from(bytes.subarray(index * RECORD + 2, (index + 1) * RECORD), (byte, i) => {
        const channel = Math.floor(i / 1024);
        return (byte / 255 - mean[channel]) / std[channel];
      }),
  };
}

/** The images from index `first` on, counted from 0 again. */
export function imagesFrom(images: LabelledImages, first: number): LabelledImages {
  return {
    count: images.count - first,
    image: (index) => images.image(first + index),
    label: (index) => images.label(first + index),
  };
}

/** The first `count` images, one at a time: together they would not fit small machines. */
export function* firstImages(images: LabelledImages, count: number): Generator<Float32Array> {
  for (let i = 0; i < count; i++) yield images.image(i);
}
