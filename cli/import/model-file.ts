import { readFile, realpath } from 'node:fs/promises';
import { dirname, isAbsolute, join, relative, resolve, sep } from 'node:path';
import { SphynxError } from '../../errors/sphynx-error.ts';
import type { ReadExternal } from '../../importer/external-data.ts';

/** Reads a file that the user named. Throws 'config/invalid'. */
export async function readModelFile(file: string): Promise<Uint8Array> {
  return readFile(file).catch((cause) => {
    throw new SphynxError('config/invalid', `cannot read ${file}`, { cause });
  });
}

/**
 * Reads the files of an ONNX file's external weights, only from its own folder: the ONNX file is not trusted, and the
 * contents become part of a model.
 */
export function besideModel(file: string): ReadExternal {
  const folder = dirname(resolve(file));
  return async (name) => {
    const refused = new SphynxError(
      'model/unsupported',
      `the file takes its weights from ${JSON.stringify(name)}, which is not in its own folder: put it there, or save the model as one file`,
    );
    if (name === '' || isAbsolute(name) || name.includes('\0')) throw refused;
    const path = join(folder, name);
    if (leaves(folder, path)) throw refused;
    const [real, home] = await Promise.all([realpath(path), realpath(folder)]).catch((cause) => {
      throw new SphynxError(
        'model/unsupported',
        `the file's weights in ${JSON.stringify(name)} cannot be read: put that file beside it`,
        { cause },
      );
    });
    if (leaves(home, real)) throw refused;
    return readModelFile(real);
  };
}

function leaves(folder: string, path: string): boolean {
  const way = relative(folder, path);
  return way === '' || way === '..' || way.startsWith(`..${sep}`) || isAbsolute(way);
}
