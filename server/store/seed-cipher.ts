import { createCipheriv, createDecipheriv, createHash, randomBytes } from 'node:crypto';
import { SphynxError } from '../../errors/sphynx-error.ts';

/** Bytes of a store key: AES-256. */
export const KEY_BYTES = 32;

const ALGORITHM = 'aes-256-gcm';
const NONCE_BYTES = 12;
const TAG_BYTES = 16;

/** One key, and the name under which records remember it. */
export interface StoreKey {
  /** First 64 bits of the hash of the key, hex. Not secret. */
  readonly id: string;
  readonly key: Uint8Array;
}

/** @param key KEY_BYTES */
export function storeKey(key: Uint8Array): StoreKey {
  const id = createHash('sha256').update('sphynx store key').update(key).digest('hex').slice(0, 16);
  return { id, key };
}

/**
 * Seals the seeds of bundles for the record store: AES-256-GCM with the bundle's id as associated data, so that no
 * seed can be moved to another record. A sealed seed is the text `KEYID:BASE64(nonce, ciphertext, tag)`. Nonces are
 * 96 random bits, good for 2^32 seeds under one key (NIST SP 800-38D, section 8.3).
 */
export class SeedCipher {
  readonly #first: StoreKey;
  readonly #keys: ReadonlyMap<string, Uint8Array>;

  /** @param keys the first one seals, all of them open; at least one */
  constructor(keys: readonly StoreKey[]) {
    this.#first = keys[0];
    this.#keys = new Map(keys.map(({ id, key }) => [id, key]));
  }

  /** Ids of the keys that open. */
  get keyIds(): string[] {
    return [...this.#keys.keys()];
  }

  seal(bundleId: string, seed: Uint8Array): string {
    const nonce = randomBytes(NONCE_BYTES);
    const cipher = createCipheriv(ALGORITHM, this.#first.key, nonce).setAAD(Buffer.from(bundleId));
    const sealed = Buffer.concat([nonce, cipher.update(seed), cipher.final(), cipher.getAuthTag()]);
    return `${this.#first.id}:${sealed.toString('base64')}`;
  }

  /** The seed. Throws 'storage/failed' if its key is missing, or the record was changed. */
  open(bundleId: string, sealed: string): Uint8Array {
    const [id, text] = sealed.split(':');
    const key = this.#keys.get(id);
    if (!key) throw missingKey(id);
    try {
      const bytes = Buffer.from(text, 'base64');
      const decipher = createDecipheriv(ALGORITHM, key, bytes.subarray(0, NONCE_BYTES), {
        authTagLength: TAG_BYTES,
      });
      decipher.setAAD(Buffer.from(bundleId)).setAuthTag(bytes.subarray(-TAG_BYTES));
      return Buffer.concat([decipher.update(bytes.subarray(NONCE_BYTES, -TAG_BYTES)), decipher.final()]);
    } catch (cause) {
      throw new SphynxError('storage/failed', "the bundle's record was changed outside of the server", {
        cause,
      });
    }
  }
}

/** A bundle cannot be spent by a server that lacks the key with this id. */
export function missingKey(id: string): SphynxError {
  return new SphynxError(
    'storage/failed',
    `the bundle is sealed with the store key ${id}, which this server does not have; add it to its keys`,
  );
}
