import { openBundleStore } from '#client/bundle-store';
import { clientToken, defaultStateFolder } from '#client/client-token';
import { openConnection } from '#client/connection';
import { asSphynxError, SphynxError } from '../errors/sphynx-error.ts';
import { CLIENT_TOKEN } from '../transport/client-token.ts';
import type { CallMetadata } from './call-metadata.ts';
import { Client } from './client.ts';
import type { BearerToken } from './connection.ts';
import { completeDeadlines, type Deadlines } from './limits.ts';
import type { Security } from './security.ts';

/** Options of `connect`. */
export interface ConnectOptions extends Security {
  /** Folder of the client's secret and the bundles. Default: the platform's folder for application data. */
  readonly stateFolder?: string;
  /**
   * 32 hex digits that replace the token derived from the state folder for this server. Bundles belong to the token
   * that prepared them.
   */
  readonly clientToken?: string;
  /**
   * Bearer token that authenticates the caller, or a function that returns it for each call. It is sent only over TLS
   * or to this machine.
   */
  readonly token?: BearerToken;
  /**
   * Metadata for every call, such as a tracing header, or a function that returns it for each call. It is for proxies;
   * servers ignore it. Web pages cannot send any.
   */
  readonly metadata?: CallMetadata;
  /**
   * Whether to warm up in the background, so that the first inference takes no longer than the others. Default true;
   * programs that classify nothing can set it to false.
   */
  readonly warmUp?: boolean;
  /** Deadlines for waiting for the server; each has a default. */
  readonly deadlines?: Partial<Deadlines>;
  /** Stops the attempt to connect. */
  readonly signal?: AbortSignal;
}

/**
 * Connects to the server at `address` (`HOST:PORT`) and asks it for its models, so that a wrong address or certificate
 * shows at once. TLS is used for all other machines unless `insecure` is set.
 *
 * @throws SphynxError 'config/invalid', 'identity/missing', 'identity/invalid', 'server/unreachable',
 * 'protocol/deadline' or 'storage/failed'
 * @example const client = await connect('127.0.0.1:50051'); const { top } = await client.classify('photo.jpg', {
 * prepare: true });
 */
export async function connect(address: string, options: ConnectOptions = {}): Promise<Client> {
  const stateFolder = options.stateFolder ?? defaultStateFolder();
  const token = options.clientToken ?? (await clientToken(stateFolder, address));
  if (!CLIENT_TOKEN.test(token))
    throw new SphynxError('config/invalid', 'a client token has 32 lower-case hex digits');
  const store = await openBundleStore(stateFolder, address);
  const connection = openConnection(address, {
    token,
    security: options,
    deadlines: completeDeadlines(options.deadlines),
    bearer: options.token,
    metadata: options.metadata,
  });
  try {
    await connection.listModels(options.signal);
  } catch (error) {
    connection.close();
    throw asSphynxError(error);
  }
  const client = new Client(connection, store);
  if (options.warmUp ?? true) client.warmUp();
  return client;
}
