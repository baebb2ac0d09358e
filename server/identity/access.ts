import { ServerCredentials } from '@grpc/grpc-js';
import type { Logger } from 'pino';
import { SphynxError } from '../../errors/sphynx-error.ts';
import { isLoopback } from '../listen.ts';
import { type Credentials, Identification, type IdentityOptions } from './identification.ts';
import type { Identity } from './identity.ts';
import { TlsCredentials, type TlsFiles } from './tls-credentials.ts';

/** How often the files are looked at (ms): soon after a renewal, and nothing to a disk. */
const LOOK_MS = 5000;

/** Where the server listens, and to whom. */
export interface AccessOptions {
  /** `HOST:PORT`. */
  readonly address: string;
  /** Without it only loopback addresses are served. */
  readonly tls?: TlsFiles;
  /** Serve other machines without TLS all the same. */
  readonly insecure?: boolean;
  /** Who is let in. Without it, and without client certificates: everybody on a loopback address, elsewhere nobody. */
  readonly identity?: IdentityOptions;
}

/**
 * Who may connect and who calls: TLS and identification, renewed when their files change. Two refusals keep strangers
 * out of a server whose configuration says nothing about them: no plaintext, and no anonymous callers, on an
 * address that other machines reach, unless expressly allowed.
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
        `${address} can be reached from other machines, and there is no TLS: give a certificate and a key, or allow plaintext expressly`,
      );
    const proofs = [tls?.clientCa, identity.tokens, identity.jwt].filter((proof) => proof !== undefined);
    const open = proofs.length === 0 && !identity.anonymous;
    if (open && !local)
      throw new SphynxError(
        'config/invalid',
        `${address} can be reached from other machines, and nothing says who may call: give an authority of client certificates, a file of tokens or the keys of JSON Web Tokens, or let everybody in expressly (anonymous)`,
      );
    const secure = tls && new TlsCredentials(tls);
    this.credentials = secure ?? ServerCredentials.createInsecure();
    this.#identification = new Identification({ ...identity, anonymous: identity.anonymous || open });
    this.#sources = [...(secure ? [secure] : []), ...this.#identification.sources];
    this.#logger = logger;
  }

  /** Who calls. Throws 'identity/missing', 'identity/invalid' or 'server/busy'. */
  async identify(call: Credentials): Promise<Identity> {
    try {
      return await this.#identification.identify(call);
    } catch (err) {
      if (err instanceof SphynxError && err.code === 'server/busy')
        this.#logger.error({ err }, 'the keys of JSON Web Tokens cannot be fetched');
      throw err;
    }
  }

  /** Puts changed files to use. Those that cannot be used are logged, and the old ones stay. */
  reload(): void {
    for (const source of this.#sources)
      try {
        if (source.reload()) this.#logger.info('certificates, tokens or keys reloaded');
      } catch (err) {
        this.#logger.error({ err }, 'changed certificates, tokens or keys cannot be used; the old ones stay');
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
