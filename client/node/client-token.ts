/** Where the client keeps its state on disk, and the secret from which its tokens come. */
import { createHmac, randomBytes } from 'node:crypto';
import { link, readFile, rm, writeFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { SphynxError } from '../../errors/sphynx-error.ts';
import { makePrivateFolder, onMissing, storageError } from './storage.ts';

/**
 * Returns the default folder of a client's secret and bundles: `SPHYNX_STATE`, or the folder for application data that
 * the platform names (XDG on Linux).
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
 * Returns the client's token for the server at `address`: 128 bits in hex, derived from a secret that is drawn on first
 * use and kept in `stateFolder`. Servers see different tokens, so none can impersonate or recognise the client at
 * another server. Bundles belong to the token that prepared them, so losing the secret loses them.
 */
export async function clientToken(stateFolder: string, address: string): Promise<string> {
  const secret = Buffer.from(await clientSecret(stateFolder), 'hex');
  return createHmac('sha256', secret).update(`client-token:${address}`).digest('hex').slice(0, 32);
}

/** Returns the client's secret, 128 random bits in hex. Two processes that start at once agree on one secret. */
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
