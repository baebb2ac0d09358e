import { X509Certificate } from 'node:crypto';
import { createSecureContext, type SecureContextOptions } from 'node:tls';
import { ServerCredentials } from '@grpc/grpc-js';
import { SphynxError } from '../../errors/sphynx-error.ts';
import { HANDSHAKE_MS } from '../limits.ts';
import { FromFiles } from './from-files.ts';

/** Whether the handshake fails without a client certificate, or the call may be made by other proof. */
export const CLIENT_CERTIFICATES = ['required', 'optional'] as const;

/** PEM files. */
export interface TlsFiles {
  /** The server's certificate chain. */
  readonly certificate: string;
  /** Its private key. */
  readonly key: string;
  /** Authorities of client certificates. Each of them may name any client. */
  readonly clientCa?: string;
  /** With `clientCa` only; 'required' unless given. */
  readonly clientCertificates?: (typeof CLIENT_CERTIFICATES)[number];
}

/**
 * The server's end of TLS. `reload` puts changed files to use: new connections are made with them, those there are
 * live on.
 */
export class TlsCredentials extends ServerCredentials {
  readonly #files: FromFiles<SecureContextOptions>;

  /** @throws SphynxError 'config/invalid' if the files cannot be used */
  constructor({ certificate, key, clientCa, clientCertificates = 'required' }: TlsFiles) {
    const paths = clientCa === undefined ? [certificate, key] : [certificate, key, clientCa];
    const files = new FromFiles(paths, ([cert, privateKey, ca]) =>
      contextOptions({ cert, key: privateKey, ca }, paths),
    );
    super(
      {
        requestCert: clientCa !== undefined,
        rejectUnauthorized: clientCertificates === 'required',
        handshakeTimeout: HANDSHAKE_MS,
      },
      files.value,
    );
    this.#files = files;
  }

  /** Returns whether the files had changed. Throws 'config/invalid', and goes on with the old ones, if they are bad. */
  reload(): boolean {
    const changed = this.#files.reload();
    if (changed) this.updateSecureContextOptions(this.#files.value);
    return changed;
  }

  override _equals(other: ServerCredentials): boolean {
    return this === other;
  }
}

function contextOptions(options: SecureContextOptions, paths: readonly string[]): SecureContextOptions {
  try {
    // gRPC would report a key that does not fit only when it binds, and not as what it is.
    createSecureContext(options);
    // TLS would take anything for an authority, and then let nobody in without saying why.
    if (options.ca) new X509Certificate(options.ca as Buffer);
    return options;
  } catch (cause) {
    throw new SphynxError(
      'config/invalid',
      `cannot use the TLS files ${paths.join(', ')}: are they readable PEM, and does the key fit?`,
      { cause },
    );
  }
}
