import { readdir, stat } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { prepareImage } from '../../client/node/image.ts';
import { SphynxError } from '../../errors/sphynx-error.ts';
import type { Part } from './data-set.ts';

/** Names of picture files. */
export const PICTURE = /\.(png|jpe?g|webp)$/i;

/** A picture's file and the number of its class. */
export interface PictureFile {
  readonly path: string;
  readonly label: number | null;
}

/** A part of a data set whose pictures are files. */
export function partOfFiles(files: readonly PictureFile[]): Part {
  return {
    count: files.length,
    classOf: (index) => files[index].label,
    read: (index, reader) => prepareImage(files[index].path, reader),
    picture: (index) => files[index].path,
  };
}

/**
 * Returns the files below a folder whose names match, in order; or `source` itself if it is a file. Hidden files, such
 * as macOS's `._NAME`, are left out. Throws 'config/invalid' if `source` cannot be read.
 */
export async function filesBelow(source: string, kind: RegExp): Promise<string[]> {
  const cannotRead = (cause: unknown) => {
    throw new SphynxError('config/invalid', `cannot read ${source}`, { cause });
  };
  if ((await stat(source).catch(cannotRead)).isFile()) return [source];
  const names = await readdir(source, { recursive: true }).catch(cannotRead);
  return names
    .filter((name) => kind.test(name) && !basename(name).startsWith('.'))
    .sort()
    .map((name) => join(source, name));
}

/** Returns the names of the subfolders, in order, without hidden ones. */
export async function subfolders(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { withFileTypes: true }).catch(() => []);
  return entries
    .filter((entry) => entry.isDirectory() && !entry.name.startsWith('.'))
    .map(({ name }) => name)
    .sort();
}
