import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { SphynxError } from '../../errors/sphynx-error.ts';
import type { DataSet, Part, Reader } from './data-set.ts';

/** CIFAR in its official binary layouts: each picture has the bytes of its labels, then 3 planes of 32x32 bytes. */
const SIDE = 32;
const PIXELS = 3 * SIDE * SIDE;

const LAYOUTS = {
  'cifar-10': {
    train: [1, 2, 3, 4, 5].map((batch) => `data_batch_${batch}.bin`),
    test: ['test_batch.bin'],
    names: 'batches.meta.txt',
    labelBytes: 1,
    classes: 10,
  },
  // A coarse label, which is ignored, and a fine one.
  'cifar-100': {
    train: ['train.bin'],
    test: ['test.bin'],
    names: 'fine_label_names.txt',
    labelBytes: 2,
    classes: 100,
  },
} as const;

type Layout = (typeof LAYOUTS)[keyof typeof LAYOUTS];

/** Returns which of the two is in `folder`. */
export function cifarIn(folder: string): keyof typeof LAYOUTS | undefined {
  return (['cifar-100', 'cifar-10'] as const).find((kind) =>
    existsSync(join(folder, LAYOUTS[kind].train[0])),
  );
}

/**
 * Opens the set in `folder`. The test part may be missing. Throws 'config/invalid' if files are missing or incomplete.
 */
export async function openCifar(kind: keyof typeof LAYOUTS, folder: string): Promise<DataSet> {
  const layout = LAYOUTS[kind];
  const test = existsSync(join(folder, layout.test[0])) ? await partOf(folder, layout.test, layout) : null;
  const train = await partOf(folder, layout.train, layout);
  return { kind, source: folder, classes: await namesIn(folder, layout), train, test };
}

async function partOf(folder: string, files: readonly string[], layout: Layout): Promise<Part> {
  const record = layout.labelBytes + PIXELS;
  const records: Uint8Array[] = [];
  for (const file of files) {
    const path = join(folder, file);
    const bytes = await readFile(path).catch((cause) => {
      throw new SphynxError(
        'config/invalid',
        `cannot read ${path}: download the binary version of the data set, which contains it`,
        { cause },
      );
    });
    if (bytes.length === 0 || bytes.length % record !== 0)
      throw new SphynxError('config/invalid', `${path} does not hold whole records of ${record} bytes`);
    for (let at = 0; at < bytes.length; at += record) records.push(bytes.subarray(at, at + record));
  }
  return {
    count: records.length,
    classOf: (index) => records[index][layout.labelBytes - 1],
    async read(index, reader) {
      checkSize(folder, reader);
      const { mean, std } = reader.preprocessing;
      return Float32Array.from(records[index].subarray(layout.labelBytes), (byte, i) => {
        const channel = Math.floor(i / SIDE ** 2);
        return (byte / 255 - mean[channel]) / std[channel];
      });
    },
    picture(index) {
      const planes = records[index].subarray(layout.labelBytes);
      const data = planes.map((_, i) => planes[(i % 3) * SIDE ** 2 + Math.floor(i / 3)]);
      return { width: SIDE, height: SIDE, data };
    },
  };
}

function checkSize(folder: string, { input: { channels, height, width } }: Reader): void {
  if (channels !== 3 || height !== SIDE || width !== SIDE)
    throw new SphynxError(
      'config/invalid',
      `${folder} holds CIFAR images of 3x32x32, the model takes ${channels}x${height}x${width}`,
    );
}

async function namesIn(folder: string, { names, classes }: Layout): Promise<string[]> {
  const text = await readFile(join(folder, names), 'utf8').catch(() => '');
  const lines = text.split(/\r?\n/).filter((line) => line.trim() !== '');
  return lines.length === classes ? lines : Array.from({ length: classes }, (_, i) => `class ${i}`);
}
