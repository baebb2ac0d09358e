import { createHash } from 'node:crypto';
import type { Metadata } from '@grpc/grpc-js';
import { SphynxError } from '../errors/sphynx-error.ts';
import { CLIENT_KEY, CLIENT_TOKEN } from '../transport/client-token.ts';
import type { Identity } from './identity/identity.ts';

/** The caller of a stream, as hashes that reveal nothing: the token has 128 random bits. */
export interface Caller {
  /** Key of the limits (SHA-256, hex): the authenticated identity or, for an anonymous caller, the client. */
  readonly identity: string;
  /** Owner of the bundles (SHA-256, hex): one device of the identity. */
  readonly client: string;
  /** Whether the identity is only the client's own claim. */
  readonly anonymous: boolean;
}

/**
 * Returns the caller of a stream. The token in its metadata distinguishes the devices of one identity and has no value
 * under another identity. Anonymous callers have only this token. Throws 'config/invalid' if it is missing or
 * malformed.
 */
export function callerOf(identity: Identity, metadata: Metadata): Caller {
  const [token, ...more] = metadata.get(CLIENT_KEY);
  if (typeof token !== 'string' || more.length > 0 || !CLIENT_TOKEN.test(token))
    throw new SphynxError(
      'config/invalid',
      `the call needs one ${CLIENT_KEY} of 32 lower-case hex digits in its metadata`,
    );
  const client = createHash('sha256')
    .update(identity.hash === undefined ? token : `${identity.hash}:${token}`)
    .digest('hex');
  return { identity: identity.hash ?? client, client, anonymous: identity.hash === undefined };
}
