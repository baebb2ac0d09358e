import { readFile } from 'node:fs/promises';
import { type Command, Option } from 'commander';
import type { Client, ConnectOptions } from '../client/index.ts';
import { SphynxError } from '../errors/sphynx-error.ts';

/** Default address on which `sphynx serve` listens and to which other commands connect. */
export const DEFAULT_ADDRESS = '127.0.0.1:50051';

/** Default address on which `sphynx serve --web` serves its page. */
export const DEFAULT_WEB_ADDRESS = '127.0.0.1:8080';

export interface ConnectionOptions {
  readonly server: string;
  readonly tls?: boolean;
  readonly ca?: string;
  readonly cert?: string;
  readonly key?: string;
  readonly tokenFile?: string;
  readonly insecure?: boolean;
  readonly state?: string;
}

/** Adds the options of every command that talks to a server. */
export function withConnection(command: Command): Command {
  return command
    .addOption(
      new Option('-s, --server <host:port>', 'the server').env('SPHYNX_SERVER').default(DEFAULT_ADDRESS),
    )
    .option(
      '--tls',
      "encrypt the connection (always done to other machines), trusting the system's authorities",
    )
    .option('--ca <file>', 'encrypt the connection, trusting the authority in this PEM file')
    .option('--cert <file>', 'encrypt the connection, and present this client certificate (PEM)')
    .option('--key <file>', "the certificate's private key (PEM)")
    .addOption(
      new Option(
        '--token-file <file>',
        'file of the bearer token that authenticates this client (or SPHYNX_TOKEN, the token itself)',
      ).env('SPHYNX_TOKEN_FILE'),
    )
    .option('--insecure', 'allow plaintext to another machine')
    .option('--state <folder>', "where the client's secret and the bundles are kept");
}

/**
 * Runs `work` with a connected client and closes it afterwards, whatever happens. `warmUp`: as in `connect`; false
 * unless given.
 */
export async function withClient<Result>(
  options: ConnectionOptions,
  signal: AbortSignal,
  work: (client: Client) => Promise<Result>,
  { warmUp = false }: Pick<ConnectOptions, 'warmUp'> = {},
): Promise<Result> {
  // Loaded here, so that wrong usage and help get an immediate answer.
  const { connect } = await import('../client/index.ts');
  const client = await connect(options.server, { ...(await connectOptions(options)), warmUp, signal });
  try {
    return await work(client);
  } finally {
    await client.close();
  }
}

/**
 * Reads the files. The token is in a file or in the environment, never among the arguments, which every user of the
 * machine can list. Throws 'config/invalid' if a file cannot be read.
 */
export async function connectOptions(
  { tls, ca, cert, key, tokenFile, insecure, state }: ConnectionOptions,
  environment: NodeJS.ProcessEnv = process.env,
): Promise<ConnectOptions> {
  const encrypted = tls || ca !== undefined || cert !== undefined || key !== undefined;
  const token = tokenFile === undefined ? undefined : await readOption('token', tokenFile);
  return {
    tls: encrypted
      ? {
          ca: await readOption('authority', ca),
          certificate: await readOption('certificate', cert),
          key: await readOption('key', key),
        }
      : undefined,
    token: token?.toString('utf8').trim() ?? (environment.SPHYNX_TOKEN || undefined),
    insecure,
    stateFolder: state,
  };
}

async function readOption(what: string, path: string | undefined): Promise<Buffer | undefined> {
  if (path === undefined) return undefined;
  return readFile(path).catch((cause: Error) => {
    throw new SphynxError('config/invalid', `cannot read the ${what} "${path}": ${cause.message}`, { cause });
  });
}
