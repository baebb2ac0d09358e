import { createHash } from 'node:crypto';
import type { Metadata } from '@grpc/grpc-js';
import { SphynxError } from '../errors/sphynx-error.ts';
import { CLIENT_KEY, CLIENT_TOKEN } from '../transport/client-token.ts';

/**
 * Who calls: SHA-256 (hex) of the token in the call's metadata. The token has 128 random bits, so its hash can
 * stand in the bundle store without giving it away. Throws 'config/invalid' if it is missing or malformed.
 */
export function clientOf(metadata: Metadata): string {
  const [token, ...more] = metadata.get(CLIENT_KEY);
  if (typeof token !== 'string' || more.length > 0 || !CLIENT_TOKEN.test(token))
    throw new SphynxError(
      'config/invalid',
      `the call needs one ${CLIENT_KEY} of 32 lower-case hex digits in its metadata`,
    );
  return createHash('sha256').update(token).digest('hex');
}
