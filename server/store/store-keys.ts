import { randomBytes } from 'node:crypto';
import { readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { SphynxError } from '../../errors/sphynx-error.ts';
import { KEY_BYTES, type StoreKey, storeKey } from './record-cipher.ts';

/** Environment variable that holds the keys themselves, in place of a file. */
export const KEY_VARIABLE = 'SPHYNX_STORE_KEY';

/** The key that a server without configured keys generates beside its records. */
const OWN_FILE = 'store.key';

/** The bit of a file's mode. */
const EVERYBODY_READS = 0o004;

/**
 * The keys that seal seeds: of `file`, or of the environment; undefined if neither is there. One key per line (in the
 * environment also separated by commas), 32 bytes in hex or base64; the first one seals, all of them open. Throws
 * 'config/invalid' without quoting the keys.
 */
export function configuredKeys(
  file: string | undefined,
  environment: NodeJS.ProcessEnv = process.env,
): StoreKey[] | undefined {
  if (file !== undefined) return readKeyFile(file);
  const text = environment[KEY_VARIABLE];
  return text === undefined ? undefined : parseKeys(text, `the variable ${KEY_VARIABLE}`);
}

/**
 * Returns the key in `folder`, for a store in the same folder; generates it if it is missing. Throws as
 * `configuredKeys`, and 'storage/failed'.
 */
export function ownKeys(folder: string): StoreKey[] {
  const path = join(folder, OWN_FILE);
  try {
    writeKeyFile(path);
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code !== 'EEXIST')
      throw new SphynxError('storage/failed', `could not make the store key "${path}"`, { cause });
  }
  return readKeyFile(path);
}

/**
 * Writes a new key to a file that only its owner can read, and returns the key's id. Throws what `writeFile` throws,
 * including EEXIST.
 */
export function writeKeyFile(path: string): string {
  const key = randomBytes(KEY_BYTES);
  const { id } = storeKey(key);
  const text = `# sphynx store key ${id}\n${key.toString('hex')}\n`;
  writeFileSync(path, text, { mode: 0o600, flag: 'wx', flush: true });
  return id;
}

function readKeyFile(path: string): StoreKey[] {
  let text: string;
  let mode: number;
  try {
    text = readFileSync(path, 'utf8');
    mode = statSync(path).mode;
  } catch (cause) {
    throw new SphynxError('config/invalid', `cannot read the store keys in "${path}"`, { cause });
  }
  if (mode & EVERYBODY_READS && process.platform !== 'win32')
    throw new SphynxError(
      'config/invalid',
      `everybody can read the store keys in "${path}"; restrict its permissions (chmod 600)`,
    );
  return parseKeys(text, `"${path}"`);
}

function parseKeys(text: string, where: string): StoreKey[] {
  const entries = text
    .split(/[\n,]/)
    .map((entry) => entry.trim())
    .filter((entry) => entry !== '' && !entry.startsWith('#'));
  if (entries.length === 0) throw new SphynxError('config/invalid', `${where} holds no store key`);
  return entries.map((entry, i) => {
    const key = Buffer.from(entry, /^[0-9a-f]{64}$/i.test(entry) ? 'hex' : 'base64');
    if (key.length !== KEY_BYTES || !/^([0-9a-f]{64}|[A-Za-z0-9+/]{43}=?)$/i.test(entry))
      throw new SphynxError(
        'config/invalid',
        `entry ${i + 1} of ${where} is no store key: expected 32 bytes in hex or base64, as \`sphynx store-key new\` makes`,
      );
    return storeKey(key);
  });
}
