/** The client's folder on disk: where it is, who may read it, and what its failures mean. */
import { createHmac, randomBytes } from 'node:crypto';
import { link, mkdir, open, readFile, rm, stat, statfs, writeFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { SphynxError } from '../../errors/sphynx-error.ts';
import { RESERVE_BYTES } from '../limits.ts';

/** The bit of a file's mode. */
const EVERYBODY_WRITES = 0o002;

/**
 * Where a client keeps its secret and bundles unless told otherwise: `SPHYNX_STATE`, or the folder for
 * application data that the platform names (XDG on Linux).
 */
export function defaultStateFolder(environment: NodeJS.ProcessEnv = process.env): string {
  if (environment.SPHYNX_STATE) return environment.SPHYNX_STATE;
  if (environment.XDG_DATA_HOME) return join(environment.XDG_DATA_HOME, 'sphynx');
  if (process.platform === 'win32' && environment.LOCALAPPDATA)
    return join(environment.LOCALAPPDATA, 'sphynx');
  if (process.platform === 'darwin') return join(homedir(), 'Library', 'Application Support', 'sphynx');
  return join(homedir(), '.local', 'share', 'sphynx');
}

/**
 * Makes `folder` (and those above it) for this user alone. Throws 'storage/failed', also for one that is there and
 * open to all: whoever can rename bundle files there can have one spent twice.
 */
export async function makePrivateFolder(folder: string): Promise<void> {
  try {
    await mkdir(folder, { recursive: true, mode: 0o700 });
    const { mode } = await stat(folder);
    if (mode & EVERYBODY_WRITES && process.platform !== 'win32')
      throw new SphynxError(
        'storage/failed',
        `everybody can write to "${folder}"; correct its rights (chmod 700), or name a new folder in it`,
      );
  } catch (error) {
    throw storageError(error, folder);
  }
}

/**
 * The client's token for the server at `address`: 128 bits in hex, derived from a secret that is drawn on first use
 * and kept in `stateFolder`. Servers see different tokens, so that none can act as the client towards another or
 * know it again there. Bundles belong to the token that prepared them, so losing the secret loses them.
 */
export async function clientToken(stateFolder: string, address: string): Promise<string> {
  const secret = Buffer.from(await clientSecret(stateFolder), 'hex');
  return createHmac('sha256', secret).update(`client-token:${address}`).digest('hex').slice(0, 32);
}

/** 128 random bits in hex. Two processes that start at once agree on one secret. */
async function clientSecret(stateFolder: string): Promise<string> {
  await makePrivateFolder(stateFolder);
  const path = join(stateFolder, 'client-secret');
  const draft = `${path}.${randomBytes(8).toString('hex')}`;
  try {
    const known = await readFile(path, 'utf8').catch(onMissing(undefined));
    if (known !== undefined) return checkSecret(known.trim(), path);
    await writeFile(draft, `${randomBytes(16).toString('hex')}\n`, { mode: 0o600, flag: 'wx', flush: true });
    // Unlike a rename, a link never replaces the secret that another process has just made.
    await link(draft, path).catch((error: NodeJS.ErrnoException) => {
      if (error.code !== 'EEXIST') throw error;
    });
    return checkSecret((await readFile(path, 'utf8')).trim(), path);
  } catch (error) {
    throw storageError(error, path);
  } finally {
    await rm(draft, { force: true });
  }
}

function checkSecret(secret: string, path: string): string {
  if (/^[0-9a-f]{32}$/.test(secret)) return secret;
  throw new SphynxError(
    'storage/failed',
    `"${path}" does not hold a client's secret; delete it to get a new one (bundles made with the old one are lost)`,
  );
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
      `what is to be prepared takes ${bytes} bytes, and the disk of "${folder}" has ${free} left; free some space or choose another state folder`,
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

/** For `catch`: `value` where a file or folder does not exist; other errors pass on. */
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
  EACCES: 'permission denied; correct the rights of the folder or choose another state folder',
  EPERM: 'permission denied; correct the rights of the folder or choose another state folder',
  EROFS: 'the file system is read-only; choose another state folder',
};

/** A failed file operation as 'storage/failed', with what to do. Errors of ours pass unchanged. */
export function storageError(error: unknown, path: string): SphynxError {
  if (error instanceof SphynxError) return error;
  const { code, message } = error as NodeJS.ErrnoException;
  return new SphynxError('storage/failed', `cannot use "${path}": ${REASONS[code ?? ''] ?? message}`, {
    cause: error,
  });
}
