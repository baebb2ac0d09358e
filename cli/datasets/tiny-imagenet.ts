import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { SphynxError } from '../../errors/sphynx-error.ts';
import type { DataSet } from './data-set.ts';
import { filesBelow, PICTURE, partOfFiles } from './picture-files.ts';

/** File with the list of classes. */
const CLASSES = 'wnids.txt';

export function isTinyImageNet(folder: string): boolean {
  return existsSync(join(folder, CLASSES));
}

/**
 * Opens Tiny-ImageNet as it is unpacked: `train/ID/images`, `val/images` with `val_annotations.txt`, `words.txt`.
 * Classes are numbered in the order of their ids, as in the trainer and torchvision's ImageFolder. The validation part
 * is the test part. Throws 'config/invalid' if something is missing.
 */
export async function openTinyImageNet(folder: string): Promise<DataSet> {
  const ids = (await textOf(folder, CLASSES)).split(/\s+/).filter(Boolean).sort();
  const numbers = new Map(ids.map((id, number) => [id, number]));
  const words = new Map(
    (await textOf(folder, 'words.txt')).split(/\r?\n/).map((line) => {
      const [id, names = ''] = line.split('\t');
      return [id, names.split(',')[0].trim()];
    }),
  );
  const train = [];
  for (const [label, id] of ids.entries())
    for (const path of await filesBelow(join(folder, 'train', id), PICTURE)) train.push({ path, label });
  const validation = (await textOf(join(folder, 'val'), 'val_annotations.txt'))
    .split(/\r?\n/)
    .filter((line) => line.trim() !== '')
    .map((line) => {
      const [file, id] = line.split('\t');
      const label = numbers.get(id);
      if (label === undefined)
        throw new SphynxError(
          'config/invalid',
          `${folder}: val_annotations.txt names the unknown class ${id}`,
        );
      return { path: join(folder, 'val', 'images', file), label };
    });
  return {
    kind: 'tiny-imagenet',
    source: folder,
    classes: ids.map((id) => words.get(id) || id),
    train: partOfFiles(train),
    test: partOfFiles(validation),
  };
}

async function textOf(folder: string, name: string): Promise<string> {
  const path = join(folder, name);
  return readFile(path, 'utf8').catch((cause) => {
    throw new SphynxError('config/invalid', `cannot read ${path}, which Tiny-ImageNet has`, { cause });
  });
}
