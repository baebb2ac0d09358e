import { join, relative, sep } from 'node:path';
import { SphynxError } from '../../errors/sphynx-error.ts';
import type { DataSet, Part } from './data-set.ts';
import { filesBelow, PICTURE, partOfFiles, subfolders } from './picture-files.ts';

/** Usual names of the parts. */
const TRAIN = ['train', 'training'];
const TEST = ['test', 'val', 'valid', 'validation'];

/**
 * Opens the picture files of a folder. If they are in subfolders, the subfolder's name is the class, and classes are
 * numbered in the order of their names, as in torchvision's ImageFolder. Subfolders `train` and `test` (or `val`) are
 * the parts. Throws 'config/invalid' if there are no pictures.
 */
export async function openFolder(source: string): Promise<DataSet> {
  const names = await subfolders(source);
  const part = (wanted: readonly string[]) => names.find((name) => wanted.includes(name.toLowerCase()));
  const [train, test] = [part(TRAIN), part(TEST)];
  const trained = train === undefined || test === undefined ? source : join(source, train);
  const classes = await classesIn(trained);
  return {
    kind: 'folder',
    source,
    classes,
    train: await pictures(trained, classes),
    test: trained === source ? null : await pictures(join(source, test as string), classes),
  };
}

/** Returns the subfolders, if there are at least two and no picture beside them. */
async function classesIn(folder: string): Promise<string[] | null> {
  const names = await subfolders(folder);
  const files = await filesBelow(folder, PICTURE);
  const beside = files.some((path) => !relative(folder, path).includes(sep));
  return names.length < 2 || beside ? null : names;
}

async function pictures(folder: string, classes: readonly string[] | null): Promise<Part> {
  const files = await filesBelow(folder, PICTURE);
  if (files.length === 0)
    throw new SphynxError(
      'config/invalid',
      `${folder} holds neither PNG, JPEG or WebP files nor a data set in one of its own layouts (--dataset)`,
    );
  const labelled = files.map((path) => {
    const label = classes?.indexOf(relative(folder, path).split(sep)[0]) ?? -1;
    return { path, label: label < 0 ? null : label };
  });
  return partOfFiles(labelled);
}
