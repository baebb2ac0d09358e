/** The client's folder on disk: its permissions, its free space, and the meaning of its failures. */
import { mkdir, open, stat, statfs } from 'node:fs/promises';
import { SphynxError } from '../../errors/sphynx-error.ts';
import { RESERVE_BYTES } from '../limits.ts';

/** The bit of a file's mode. */
const EVERYBODY_WRITES = 0o002;

/**
 * Creates `folder` (and its parents) for this user only. Throws 'storage/failed', also for an existing folder that is
 * world-writable: anyone who can rename bundle files there can have one spent twice.
 */
export async function makePrivateFolder(folder: string): Promise<void> {
  try {
    await mkdir(folder, { recursive: true, mode: 0o700 });
    const { mode } = await stat(folder);
    if (mode & EVERYBODY_WRITES && process.platform !== 'win32')
      throw new SphynxError(
        'storage/failed',
        `everybody can write to "${folder}"; restrict its permissions (chmod 700), or name a new folder in it`,
      );
  } catch (error) {
    throw storageError(error, folder);
  }
}

/** Throws 'storage/failed' if `bytes` more in `folder` would leave its disk with less than RESERVE_BYTES. */
export async function checkSpace(folder: string, bytes: number): Promise<void> {
  const { bavail, bsize } = await statfs(folder).catch((error: unknown) => {
    throw storageError(error, folder);
  });
  const free = bavail * bsize;
  if (free - bytes < RESERVE_BYTES)
    throw new SphynxError(
      'storage/failed',
      `the preparation needs ${bytes} bytes, and the disk of "${folder}" has only ${free} left; free some space or choose another state folder`,
    );
}

/** Makes renames and removals in `folder` survive a power cut. */
export async function syncFolder(folder: string): Promise<void> {
  if (process.platform === 'win32') return; // folders cannot be opened there; the file system journals renames
  const handle = await open(folder, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

/** Returns a handler for `catch` that yields `value` if a file or folder does not exist and rethrows other errors. */
export function onMissing<T>(value: T): (error: NodeJS.ErrnoException) => T {
  return (error) => {
    if (error.code === 'ENOENT') return value;
    throw error;
  };
}

const REASONS: Record<string, string> = {
  ENOSPC: 'the disk is full; free some space or choose another state folder',
  EDQUOT: 'the disk quota is used up; free some space or choose another state folder',
  EFBIG:
    'the file would exceed the size limit of this process; raise the limit or choose another state folder',
  EACCES: 'permission denied; fix the permissions of the folder or choose another state folder',
  EPERM: 'permission denied; fix the permissions of the folder or choose another state folder',
  EROFS: 'the file system is read-only; choose another state folder',
};

/** Converts a failed file operation to 'storage/failed', with a remedy. Returns a SphynxError unchanged. */
export function storageError(error: unknown, path: string): SphynxError {
  if (error instanceof SphynxError) return error;
  const { code, message } = error as NodeJS.ErrnoException;
  return new SphynxError('storage/failed', `cannot use "${path}": ${REASONS[code ?? ''] ?? message}`, {
    cause: error,
  });
}
