import { closeSync, mkdirSync, openSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { SphynxError } from '../../errors/sphynx-error.ts';

/** A file without records, which exists only for its lock. */
const FILE = 'server.lock';

/** The bit of a folder's mode. */
const EVERYBODY_WRITES = 0o002;

/**
 * Locks the state folder for this process until the returned function is called or the process dies: a second server on
 * it would burn the bundles that this one is preparing. The lock is SQLite's, which the system releases when a process
 * dies. Throws 'config/invalid' if another server holds it or the folder is world-writable, 'storage/failed' if it
 * cannot be used.
 */
export function lockFolder(folder: string): () => void {
  const path = join(folder, FILE);
  const database = openLock(folder, path);
  if (statSync(folder).mode & EVERYBODY_WRITES && process.platform !== 'win32') {
    database.close();
    throw new SphynxError(
      'config/invalid',
      `everybody can write to the state folder ${folder}; restrict its permissions (chmod 700), or name a new folder in it`,
    );
  }
  try {
    database.exec('BEGIN EXCLUSIVE');
  } catch (cause) {
    database.close();
    throw new SphynxError(
      'config/invalid',
      `another server uses the state folder ${folder}; stop it or choose another folder`,
      { cause },
    );
  }
  return () => database.close();
}

function openLock(folder: string, path: string): DatabaseSync {
  try {
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    create(path);
    return new DatabaseSync(path);
  } catch (cause) {
    throw new SphynxError('storage/failed', `could not open ${path}: is the state folder not writable?`, {
      cause,
    });
  }
}

/**
 * Creates an empty file, unless it exists. It must not be opened then: when a process closes any descriptor of a file,
 * POSIX drops all locks that the process holds on it, and this process may hold the lock already.
 */
function create(path: string): void {
  try {
    closeSync(openSync(path, 'ax', 0o600));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
  }
}
