import { bytesToHex } from '@noble/hashes/utils.js';
import { SphynxError } from '../../errors/sphynx-error.ts';
import { randomBytes } from '../../platform/random-bytes.ts';
import type { AccessHandle, Folder } from './folder.ts';
import { MemoryFolder } from './memory-folder.ts';

/**
 * Bundle files in the origin private file system of a browser or, if there is none, in memory. A file that is open here
 * is open nowhere else: the file system gives one access handle at a time, to one tab.
 */

const open = new Map<string, BundleFile>();

/** A file that this worker holds. */
export class BundleFile {
  readonly #path: string;
  readonly #handle: AccessHandle;

  private constructor(path: string, handle: AccessHandle) {
    this.#path = path;
    this.#handle = handle;
  }

  /**
   * Takes hold of a file; returns undefined if it does not exist or somebody else holds it. Throws 'storage/failed'.
   */
  static async hold(path: string, options?: { create: boolean }): Promise<BundleFile | undefined> {
    const { folder, name } = await locate(path);
    try {
      const entry = await folder.getFileHandle(name, options);
      const file = new BundleFile(path, await entry.createSyncAccessHandle());
      open.set(path, file);
      return file;
    } catch (error) {
      const { name } = error as DOMException;
      if (name === 'NotFoundError' || name === 'NoModificationAllowedError') return undefined;
      throw storageError(error);
    }
  }

  /** Returns a file that is held through `hold` and not yet released. */
  static held(path: string): BundleFile {
    const file = open.get(path);
    if (!file) throw new SphynxError('internal', 'a bundle file is used that nobody holds');
    return file;
  }

  get size(): number {
    return this.#handle.getSize();
  }

  /** Fills `into` from byte `at` on. Returns the number of bytes read. */
  read(into: Uint8Array, at: number): number {
    return this.#handle.read(into, { at });
  }

  /** Throws 'storage/failed' if there is no room. */
  write(bytes: Uint8Array, at: number): void {
    try {
      if (this.#handle.write(bytes, { at }) === bytes.length) return;
    } catch (error) {
      throw storageError(error);
    }
    throw storageError(new DOMException('the write was incomplete', 'QuotaExceededError'));
  }

  /** Makes all writes survive a crash. Throws 'storage/failed'. */
  flush(): void {
    try {
      this.#handle.flush();
    } catch (error) {
      throw storageError(error);
    }
  }

  /** Lets others take hold of it. */
  release(): void {
    open.delete(this.#path);
    this.#handle.close();
  }

  async remove(): Promise<void> {
    this.release();
    const { folder, name } = await locate(this.#path);
    await folder.removeEntry(name).catch(() => {});
  }
}

/** Returns the first bytes of a file as text, even if somebody holds it. */
export async function readStart(folder: Folder, name: string, bytes: number): Promise<string> {
  const file = await (await folder.getFileHandle(name)).getFile();
  return file.slice(0, bytes).text();
}

let found: Promise<{ folder: Folder; durable: boolean }> | undefined;

/** Returns the origin's folder or, if the browser gives none, one in this worker's memory. Throws 'storage/failed'. */
function root(): Promise<{ folder: Folder; durable: boolean }> {
  found ??= originFolder().then((folder) =>
    folder ? { folder, durable: true } : { folder: new MemoryFolder(), durable: false },
  );
  return found;
}

/**
 * Names of the errors of a browser that gives the page no storage: a method is missing, or it is disabled. Safari
 * reports its private windows as UnknownError.
 */
const NO_STORAGE = ['TypeError', 'NotSupportedError', 'SecurityError', 'UnknownError'];

/**
 * Returns the origin's folder; undefined if there is none, as in private windows, or if it gives no access handles.
 * Throws if there is one that cannot be used now: with bundles in memory instead, this worker would have another client
 * token than the workers that can use it.
 */
async function originFolder(): Promise<Folder | undefined> {
  try {
    const folder = (await navigator.storage.getDirectory()) as unknown as Folder;
    // The name is unique, because another worker may run the same test.
    const name = `trial-${bytesToHex(randomBytes(8))}`;
    const trial = await folder.getFileHandle(name, { create: true });
    (await trial.createSyncAccessHandle()).close();
    await folder.removeEntry(name);
    return folder;
  } catch (error) {
    if (NO_STORAGE.includes((error as Error).name)) return undefined;
    throw error;
  }
}

/** Whether files outlive this worker. Throws 'storage/failed'. */
export async function isDurable(): Promise<boolean> {
  try {
    return (await root()).durable;
  } catch (error) {
    throw storageError(error);
  }
}

/** Returns a folder below the root and creates it if necessary. Throws 'storage/failed'. */
export async function folderOf(...names: readonly string[]): Promise<Folder> {
  try {
    let { folder } = await root();
    for (const name of names) folder = await folder.getDirectoryHandle(name, { create: true });
    return folder;
  } catch (error) {
    throw storageError(error);
  }
}

export async function namesIn(folder: Folder): Promise<string[]> {
  const names: string[] = [];
  for await (const name of folder.keys()) names.push(name);
  return names;
}

async function locate(path: string): Promise<{ folder: Folder; name: string }> {
  const names = path.split('/');
  const name = names.pop() as string;
  return { folder: await folderOf(...names), name };
}

/** Converts a failed operation to 'storage/failed', with a remedy. Returns a SphynxError unchanged. */
export function storageError(error: unknown): SphynxError {
  if (error instanceof SphynxError) return error;
  const { name, message } = error as DOMException;
  const reason =
    name === 'QuotaExceededError'
      ? 'it is full; free some space, or clear bundles'
      : name === 'SecurityError'
        ? 'it is disabled, as in some private windows; open the page in a normal window'
        : message;
  return new SphynxError('storage/failed', `cannot use the browser's storage: ${reason}`, { cause: error });
}
