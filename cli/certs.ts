import { existsSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { makePrivateFolder, storageError } from '../client/node/storage.ts';
import { SphynxError } from '../errors/sphynx-error.ts';
import { DevelopmentAuthority } from '../server/identity/development-certificates.ts';
import type { Context } from './command.ts';

export interface CertsOptions {
  /** Names and IP addresses of the server. */
  readonly host: readonly string[];
  /** Names of clients, which become file names. */
  readonly client: readonly string[];
  readonly days: number;
}

/**
 * `sphynx certs DIR`: creates an authority for development, and certificates of a server and of clients. Files are
 * readable by their owner only, and existing files are never replaced. Throws 'config/invalid' or 'storage/failed'.
 */
export async function certs({ output }: Context, folder: string, options: CertsOptions): Promise<undefined> {
  const wrong = options.client.find((name) => !/^[A-Za-z0-9][A-Za-z0-9._@-]{0,63}$/.test(name));
  if (wrong !== undefined)
    throw new SphynxError(
      'config/invalid',
      `a client's name has 1 to 64 letters, digits and ._@-, and begins with a letter or digit; got "${wrong}"`,
    );
  const files = await pemFiles(folder, options);
  const there = [...files.keys()].find((path) => existsSync(path));
  if (there !== undefined)
    throw new SphynxError('config/invalid', `"${there}" already exists; choose another folder`);
  await makePrivateFolder(folder);
  for (const [path, pem] of files)
    await writeFile(path, pem, { mode: 0o600, flag: 'wx' }).catch((error: unknown) => {
      throw storageError(error, path);
    });
  const names = [...files.keys()];
  output.result(
    { files: names },
    [
      ...names,
      '',
      `For development only: anyone who has ${join(folder, 'ca-key.pem')} can impersonate any server and any client.`,
    ].join('\n'),
  );
}

async function pemFiles(folder: string, { host, client, days }: CertsOptions): Promise<Map<string, string>> {
  const authority = await DevelopmentAuthority.create('sphynx development authority', days);
  const files = new Map<string, string>();
  const add = (name: string, { certificate, key }: { certificate: string; key: string }) => {
    for (const [file, pem] of [
      [`${name}.pem`, certificate],
      [`${name}-key.pem`, key],
    ]) {
      const path = join(folder, file);
      if (files.has(path))
        throw new SphynxError(
          'config/invalid',
          `two files would be named ${file}; choose other client names`,
        );
      files.set(path, pem);
    }
  };
  add('ca', authority.pair);
  add('server', await authority.server(host));
  for (const name of client) add(name, await authority.client(name));
  return files;
}
