import { createHash } from 'node:crypto';

/** How a caller authenticated. */
export type Method = 'certificate' | 'token' | 'jwt' | 'anonymous';

/** The authenticated identity of a caller. */
export interface Identity {
  readonly method: Method;
  /** SHA-256 (hex) of method and subject; undefined for an anonymous caller. */
  readonly hash?: string;
  /** For log lines: the token's name, otherwise the first 8 digits of the hash. Subjects of people stay out. */
  readonly label: string;
}

/** A caller without credentials. */
export const ANONYMOUS: Identity = { method: 'anonymous', label: 'anonymous' };

/**
 * Returns the identity of an authenticated subject. Equal subjects of different methods are different identities.
 *
 * @param subject the parts that identify the subject within the method
 * @param name name for log lines, in place of the hash
 */
export function identityOf(
  method: Exclude<Method, 'anonymous'>,
  subject: readonly string[],
  name?: string,
): Identity {
  // JSON separates the parts unambiguously.
  const hash = createHash('sha256')
    .update(JSON.stringify([method, ...subject]))
    .digest('hex');
  return { method, hash, label: `${method}:${name ?? hash.slice(0, 8)}` };
}
