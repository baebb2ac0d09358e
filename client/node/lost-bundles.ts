/**
 * Bundles of which this side has lost its half, each as an empty file `<id>.lost`. The server may still count them
 * until it is told, at the start of the next preparation. The names are files so that a crash does not lose them.
 */
import { readdir, rename, rm, truncate } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { onMissing, storageError } from './storage.ts';

const ENDING = '.lost';

/** Erases a bundle file of any state and remembers the bundle as lost. Does nothing if the file is gone. Throws 'storage/failed'. */
export async function lose(path: string, bundleId: string): Promise<void> {
  try {
    await truncate(path);
    await rename(path, join(dirname(path), bundleId + ENDING));
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT') return;
    throw storageError(error, path);
  }
}

/** Returns the ids of the lost bundles in a model's folder. */
export async function lostIn(folder: string): Promise<string[]> {
  const files = await readdir(folder).catch(onMissing<string[]>([]));
  return files.filter((file) => file.endsWith(ENDING)).map((file) => file.slice(0, -ENDING.length));
}

/** Forgets lost bundles after they have been reported to the server. */
export async function forgetLost(folder: string, ids: readonly string[]): Promise<void> {
  for (const id of ids) await rm(join(folder, id + ENDING), { force: true });
}
