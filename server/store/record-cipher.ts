import { createCipheriv, createDecipheriv, createHash, randomBytes } from 'node:crypto';
import { SphynxError } from '../../errors/sphynx-error.ts';
import type { BundleSecrets } from '../../protocol/bundle.ts';
import type { BundleModel } from './bundle-store.ts';

/** Bytes of a store key: AES-256. */
export const KEY_BYTES = 32;

/**
 * Format of the records in both stores. It changes with the sealed data and with the associated data; records of
 * another format cannot be opened.
 */
export const RECORD_FORMAT = 2;

const ALGORITHM = 'aes-256-gcm';
const NONCE_BYTES = 12;
const TAG_BYTES = 16;
const SEED_BYTES = 32;
const DELTA_BYTES = 16;

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

/** The associated data of a seal: secrets that were moved to another record cannot be opened. */
export interface RecordOwner {
  readonly id: string;
  readonly client: string;
  readonly identity: string;
  readonly model: BundleModel;
}

/**
 * Seals the secrets of bundles for the record store: AES-256-GCM with the record's format, bundle, client, identity,
 * model and plan as associated data. Sealed secrets are the text `KEYID:BASE64(nonce, ciphertext, tag)`, whose length
 * does not depend on whether there is a Delta. Nonces are 96 random bits, good for 2^32 records under one key (NIST SP
 * 800-38D, section 8.3).
 */
export class RecordCipher {
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

  seal(owner: RecordOwner, { seed, delta }: BundleSecrets): string {
    const nonce = randomBytes(NONCE_BYTES);
    const cipher = createCipheriv(ALGORITHM, this.#first.key, nonce).setAAD(boundTo(owner));
    const plain = Buffer.concat([
      seed,
      Uint8Array.of(Number(delta !== null)),
      delta ?? new Uint8Array(DELTA_BYTES),
    ]);
    const sealed = Buffer.concat([nonce, cipher.update(plain), cipher.final(), cipher.getAuthTag()]);
    plain.fill(0);
    return `${this.#first.id}:${sealed.toString('base64')}`;
  }

  /** Opens the secrets. Throws 'storage/failed' if their key is missing, or the record was changed or moved. */
  open(owner: RecordOwner, sealed: string): BundleSecrets {
    const [id, text] = sealed.split(':');
    const key = this.#keys.get(id);
    if (!key) throw missingKey(id);
    const plain = unseal(key, boundTo(owner), text);
    const delta = plain.subarray(SEED_BYTES + 1);
    return { seed: plain.subarray(0, SEED_BYTES), delta: plain[SEED_BYTES] === 1 ? delta : null };
  }
}

/** Overwrites secrets that are no longer needed. */
export function forget({ seed, delta }: BundleSecrets): void {
  seed.fill(0);
  delta?.fill(0);
}

/** Returns the error for a bundle that is sealed with a key which this server lacks. */
export function missingKey(id: string): SphynxError {
  return new SphynxError(
    'storage/failed',
    `the bundle is sealed with the store key ${id}, which this server does not have; add it to its keys`,
  );
}

function unseal(key: Uint8Array, owner: Buffer, text: string): Uint8Array {
  try {
    const bytes = Buffer.from(text, 'base64');
    const decipher = createDecipheriv(ALGORITHM, key, bytes.subarray(0, NONCE_BYTES), {
      authTagLength: TAG_BYTES,
    });
    decipher.setAAD(owner).setAuthTag(bytes.subarray(-TAG_BYTES));
    const plain = Buffer.concat([decipher.update(bytes.subarray(NONCE_BYTES, -TAG_BYTES)), decipher.final()]);
    if (plain.length !== SEED_BYTES + 1 + DELTA_BYTES) throw new Error(`${plain.length} bytes were sealed`);
    return new Uint8Array(plain);
  } catch (cause) {
    throw new SphynxError(
      'storage/failed',
      "the bundle's record was changed outside of the server, or moved from another client, model or plan; prepare another bundle",
      { cause },
    );
  }
}

/** As JSON: no two owners give the same text. */
function boundTo({ id, client, identity, model: { name, hash, planHash } }: RecordOwner): Buffer {
  return Buffer.from(
    JSON.stringify(['sphynx bundle record', RECORD_FORMAT, id, client, identity, name, hash, planHash]),
  );
}
