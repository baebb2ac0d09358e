import { readFile } from 'node:fs/promises';
import { type Command, Option } from 'commander';
import type { Client, ConnectOptions } from '../client/index.ts';
import { SphynxError } from '../errors/sphynx-error.ts';

/** Where `sphynx serve` listens and the other commands look unless told otherwise. */
export const DEFAULT_ADDRESS = '127.0.0.1:50051';

export interface ConnectionOptions {
  readonly server: string;
  readonly tls?: boolean;
  readonly ca?: string;
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
    .option('--insecure', 'allow plaintext to another machine')
    .option('--state <folder>', "where the client's secret and the bundles are kept");
}

/** Runs `work` with a connected client and closes it afterwards, whatever happens. */
export async function withClient<Result>(
  options: ConnectionOptions,
  signal: AbortSignal,
  work: (client: Client) => Promise<Result>,
): Promise<Result> {
  // Loaded here, so that wrong usage and help are answered at once.
  const { connect } = await import('../client/index.ts');
  const client = await connect(options.server, { ...(await connectOptions(options)), signal });
  try {
    return await work(client);
  } finally {
    await client.close();
  }
}

/** Throws 'config/invalid' if the authority's file cannot be read. */
export async function connectOptions({
  tls,
  ca,
  insecure,
  state,
}: ConnectionOptions): Promise<ConnectOptions> {
  const authority =
    ca === undefined
      ? undefined
      : await readFile(ca).catch((cause: Error) => {
          throw new SphynxError('config/invalid', `cannot read the authority "${ca}": ${cause.message}`, {
            cause,
          });
        });
  return {
    tls: authority ? { ca: authority } : tls ? {} : undefined,
    insecure,
    stateFolder: state,
  };
}
