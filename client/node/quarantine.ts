/**
 * Bundles that are set aside because one of their folder turned out to be used elsewhere: the folder was copied or
 * restored, and the others may be used elsewhere too. A file in the folder of a server's bundles records the time;
 * bundles prepared until then are set aside until a person confirms.
 */
import { open, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { readUntil } from '../set-aside.ts';
import { onMissing, storageError, syncFolder } from './storage.ts';

const FILE = 'quarantine';

/** Durably sets aside all bundles of the folder that were prepared until that time. Throws 'storage/failed'. */
export async function setAside(folder: string, until: number): Promise<void> {
  const path = join(folder, FILE);
  try {
    const file = await open(path, 'w', 0o600);
    try {
      await file.writeFile(`${until}\n`);
      await file.sync();
    } finally {
      await file.close();
    }
    await syncFolder(folder);
  } catch (error) {
    throw storageError(error, path);
  }
}

/** Returns the time until which prepared bundles are set aside (ms since the epoch); undefined if none are. */
export async function setAsideUntil(folder: string): Promise<number | undefined> {
  const path = join(folder, FILE);
  const text = await readFile(path, 'utf8')
    .catch(onMissing(undefined))
    .catch((error: unknown) => {
      throw storageError(error, path);
    });
  return text === undefined ? undefined : readUntil(text);
}

/** Releases the bundles that were set aside. Throws 'storage/failed'. */
export async function release(folder: string): Promise<void> {
  await rm(join(folder, FILE), { force: true }).catch((error: unknown) => {
    throw storageError(error, folder);
  });
}
