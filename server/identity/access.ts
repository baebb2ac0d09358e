import { ServerCredentials } from '@grpc/grpc-js';
import type { Logger } from 'pino';
import { SphynxError } from '../../errors/sphynx-error.ts';
import { isLoopback } from '../listen.ts';
import { type Credentials, Identification, type IdentityOptions } from './identification.ts';
import type { Identity } from './identity.ts';
import { TlsCredentials, type TlsFiles } from './tls-credentials.ts';

/** How often the files are checked (ms): soon enough after a renewal, and a negligible load for a disk. */
const LOOK_MS = 5000;

/** Where the server listens and whom it accepts. */
export interface AccessOptions {
  /** `HOST:PORT`. */
  readonly address: string;
  /** Required for all but loopback addresses. */
  readonly tls?: TlsFiles;
  /** Serve other machines even without TLS. */
  readonly insecure?: boolean;
  /**
   * Who is accepted. Without it, and without client certificates: everybody on a loopback address, nobody elsewhere.
   */
  readonly identity?: IdentityOptions;
}

/**
 * Decides who may connect and who calls: TLS and identification, renewed when their files change. On an address that
 * other machines can reach, it refuses plaintext and anonymous callers unless the configuration allows them explicitly.
 */
export class Access {
  readonly credentials: ServerCredentials;
  readonly #identification: Identification;
  readonly #sources: readonly { reload(): boolean }[];
  readonly #logger: Logger;
  #looking: NodeJS.Timeout | undefined;

  /** @throws SphynxError 'config/invalid' for files that cannot be used, and for a server open to strangers */
  constructor({ address, tls, insecure = false, identity = {} }: AccessOptions, logger: Logger) {
    const local = isLoopback(address);
    if (tls === undefined && !insecure && !local)
      throw new SphynxError(
        'config/invalid',
        `${address} can be reached from other machines, and there is no TLS: give a certificate and a key, or allow plaintext explicitly`,
      );
    const proofs = [tls?.clientCa, identity.tokens, identity.jwt].filter((proof) => proof !== undefined);
    const open = proofs.length === 0 && !identity.anonymous;
    if (open && !local)
      throw new SphynxError(
        'config/invalid',
        `${address} can be reached from other machines, and no authentication is configured: give an authority of client certificates, a file of tokens or the keys of JSON Web Tokens, or accept everybody explicitly (anonymous)`,
      );
    const secure = tls && new TlsCredentials(tls);
    this.credentials = secure ?? ServerCredentials.createInsecure();
    this.#identification = new Identification({ ...identity, anonymous: identity.anonymous || open });
    this.#sources = [...(secure ? [secure] : []), ...this.#identification.sources];
    this.#logger = logger;
  }

  /** Identifies the caller. Throws 'identity/missing', 'identity/invalid' or 'server/busy'. */
  async identify(call: Credentials): Promise<Identity> {
    try {
      return await this.#identification.identify(call);
    } catch (err) {
      if (err instanceof SphynxError && err.code === 'server/busy')
        this.#logger.error({ err }, 'the keys of JSON Web Tokens cannot be fetched');
      throw err;
    }
  }

  /** Applies changed files. Logs those that cannot be used and keeps the old ones. */
  reload(): void {
    for (const source of this.#sources)
      try {
        if (source.reload()) this.#logger.info('certificates, tokens or keys reloaded');
      } catch (err) {
        this.#logger.error(
          { err },
          'changed certificates, tokens or keys cannot be used; the old ones remain in use',
        );
      }
  }

  /** Reloads changed files from now on, until `close`. */
  watch(intervalMs = LOOK_MS): void {
    this.#looking = setInterval(() => this.reload(), intervalMs);
  }

  close(): void {
    clearInterval(this.#looking);
  }
}
