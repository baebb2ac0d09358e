import { SphynxError } from '../errors/sphynx-error.ts';
import { writeKeyFile } from '../server/store/store-keys.ts';
import type { Context } from './command.ts';

/** `sphynx store-key new FILE`: writes a new key for the seeds in a server's records. Never replaces a file. */
export async function newStoreKey({ output }: Context, file: string): Promise<undefined> {
  try {
    const id = writeKeyFile(file);
    output.result({ file, id }, `the key ${id} is in "${file}"; give it to all servers that share records`);
  } catch (cause) {
    const { code, message } = cause as NodeJS.ErrnoException;
    if (code === 'EEXIST')
      throw new SphynxError('config/invalid', `"${file}" already exists; keys are never replaced`);
    throw new SphynxError('storage/failed', `could not write "${file}": ${message}`, { cause });
  }
}
