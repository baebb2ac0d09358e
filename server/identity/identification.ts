import type { Metadata } from '@grpc/grpc-js';
import { SphynxError } from '../../errors/sphynx-error.ts';
import { certificateSubject } from './certificate-subject.ts';
import { ANONYMOUS, type Identity, identityOf } from './identity.ts';
import { type JwtOptions, JwtVerifier } from './jwt.ts';
import { TokenFile } from './token-file.ts';

/** Longest bearer token that is accepted for checking (characters). */
const TOKEN_LENGTH = 8192;

/** How callers prove who they are, besides client certificates. */
export interface IdentityOptions {
  /** A file of hashed bearer tokens. */
  readonly tokens?: string;
  /** Whose JSON Web Tokens are accepted; none unless given. */
  readonly jwt?: JwtOptions;
  /** Accepts callers without authentication. */
  readonly anonymous?: boolean;
}

/** A call's credentials, as gRPC provides them. */
export interface Credentials {
  readonly metadata: Metadata;
  /** The client certificate, if TLS has verified one. */
  getAuthContext(): { readonly sslPeerCertificate?: { readonly raw: Uint8Array; readonly valid_to: string } };
}

/**
 * Identifies callers. A bearer token takes precedence over a certificate: behind a proxy with its own certificate, the
 * token is the caller's. A wrong token is refused whatever other credentials the call has, and so is any token on a
 * server that accepts none. A call without credentials is refused unless anonymous callers are allowed explicitly.
 */
export class Identification {
  readonly #tokens: TokenFile | undefined;
  readonly #jwt: JwtVerifier | undefined;
  readonly #anonymous: boolean;

  /** @throws SphynxError 'config/invalid' if a file cannot be used */
  constructor({ tokens, jwt, anonymous = false }: IdentityOptions) {
    this.#tokens = tokens === undefined ? undefined : new TokenFile(tokens);
    this.#jwt = jwt === undefined ? undefined : new JwtVerifier(jwt);
    this.#anonymous = anonymous;
  }

  /** The sources that can be reloaded. */
  get sources(): readonly { reload(): boolean }[] {
    return [this.#tokens, this.#jwt].filter((source) => source !== undefined);
  }

  /** Throws 'identity/missing', 'identity/invalid', or 'server/busy' while a token cannot be checked. */
  async identify(call: Credentials): Promise<Identity> {
    const token = bearerToken(call.metadata);
    if (token !== undefined) return this.#ofToken(token);
    const certificate = call.getAuthContext().sslPeerCertificate;
    if (certificate) return ofCertificate(certificate);
    if (this.#anonymous) return ANONYMOUS;
    throw new SphynxError(
      'identity/missing',
      'this server serves only callers that it knows; give a bearer token or a client certificate',
    );
  }

  async #ofToken(token: string): Promise<Identity> {
    if (this.#tokens?.recognises(token)) return this.#tokens.identify(token);
    if (this.#jwt) return this.#jwt.identify(token);
    throw new SphynxError(
      'identity/invalid',
      this.#tokens
        ? 'this token is not valid on this server; ask for one'
        : 'this server accepts no bearer tokens; call it without one',
    );
  }
}

/** The token of `authorization: Bearer TOKEN` (RFC 6750), if there is one. Throws 'identity/invalid' for anything else. */
function bearerToken(metadata: Metadata): string | undefined {
  const values = metadata.get('authorization');
  if (values.length === 0) return undefined;
  const [, token] = /^Bearer +([A-Za-z0-9._~+/=-]+)$/i.exec(String(values[0])) ?? [];
  if (values.length > 1 || token === undefined || token.length > TOKEN_LENGTH)
    throw new SphynxError('identity/invalid', 'expected one bearer token in the metadata "authorization"');
  return token;
}

function ofCertificate({ raw, valid_to }: { raw: Uint8Array; valid_to: string }): Identity {
  // TLS checked it when the connection was made, which may be long ago.
  if (!(Date.parse(valid_to) > Date.now()))
    throw new SphynxError('identity/invalid', 'the client certificate has expired; connect with a new one');
  return identityOf('certificate', [certificateSubject(raw)]);
}
