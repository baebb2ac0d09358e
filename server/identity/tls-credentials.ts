import { X509Certificate } from 'node:crypto';
import { createSecureContext, type SecureContextOptions } from 'node:tls';
import { ServerCredentials } from '@grpc/grpc-js';
import { SphynxError } from '../../errors/sphynx-error.ts';
import { HANDSHAKE_MS } from '../limits.ts';
import { FromFiles } from './from-files.ts';

/** Whether every connection needs a client certificate, or a call may authenticate otherwise. */
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

/** The server's end of TLS. `reload` applies changed files to new connections; existing ones continue. */
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

  /** Returns whether the files had changed. If they are invalid, throws 'config/invalid' and keeps the old ones. */
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
    // gRPC would report a key that does not match only when it binds, and without naming the cause.
    createSecureContext(options);
    // TLS would accept anything as an authority, and then refuse everybody without naming the cause.
    if (options.ca) new X509Certificate(options.ca as Buffer);
    return options;
  } catch (cause) {
    throw new SphynxError(
      'config/invalid',
      `cannot use the TLS files ${paths.join(', ')}: are they valid PEM, and does the key match?`,
      { cause },
    );
  }
}
