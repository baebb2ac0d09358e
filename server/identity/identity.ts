import { createHash } from 'node:crypto';

/** How a caller proved who it is. */
export type Method = 'certificate' | 'token' | 'jwt' | 'anonymous';

/** Who calls, as far as it was proved. */
export interface Identity {
  readonly method: Method;
  /** SHA-256 (hex) of method and subject; undefined for a caller that proved nothing. */
  readonly hash?: string;
  /** For log lines: the token's name, otherwise the first 8 digits of the hash. Subjects of people stay out. */
  readonly label: string;
}

/** A caller who may come without proof. */
export const ANONYMOUS: Identity = { method: 'anonymous', label: 'anonymous' };

/**
 * The identity of a proved subject. Equal subjects of different methods are different identities.
 *
 * @param subject what the method names: parts that no other subject of the method shares
 * @param name what log lines may say in place of the hash
 */
export function identityOf(
  method: Exclude<Method, 'anonymous'>,
  subject: readonly string[],
  name?: string,
): Identity {
  // JSON keeps the parts apart whatever they hold.
  const hash = createHash('sha256')
    .update(JSON.stringify([method, ...subject]))
    .digest('hex');
  return { method, hash, label: `${method}:${name ?? hash.slice(0, 8)}` };
}
