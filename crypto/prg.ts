/** Randomness: seeds from the system's CSPRNG, expanded by AES-128 in counter mode. There is no other source. */
import { type Cipheriv, createCipheriv, hkdfSync, randomBytes } from 'node:crypto';
import { SphynxError } from '../errors/sphynx-error.ts';
import { release } from '../kernels/release.ts';

/** Length of every seed (bytes). */
export const SEED_BYTES = 32;

/** What the cipher encrypts, a run at a time: the key stream itself. */
const ZEROS = new Uint8Array(65536);

/** A fresh seed from the system's CSPRNG. */
export function randomSeed(): Uint8Array {
  return new Uint8Array(randomBytes(SEED_BYTES));
}

/** An independent seed for the purpose `label` (HKDF-SHA-256). Different labels never give related seeds. */
export function deriveSeed(seed: Uint8Array, label: string): Uint8Array {
  return derive(seed, `seed:${label}`, SEED_BYTES);
}

/** A pseudorandom stream for the purpose `label`: successive calls continue it. */
export class Prg {
  readonly #cipher: Cipheriv;

  constructor(seed: Uint8Array, label: string) {
    const keyAndCounter = derive(seed, `prg:${label}`, 32);
    this.#cipher = createCipheriv('aes-128-ctr', keyAndCounter.subarray(0, 16), keyAndCounter.subarray(16));
  }

  /** The next `length` bytes, in memory of their own. */
  bytes(length: number): Uint8Array<ArrayBuffer> {
    const bytes = new Uint8Array(length);
    this.fill(bytes);
    return bytes;
  }

  /** The next bytes, over those of `target`. */
  fill(target: Uint8Array): void {
    for (let start = 0; start < target.length; start += ZEROS.length) {
      const run = this.#cipher.update(ZEROS.subarray(0, target.length - start));
      target.set(run, start);
      release(run);
    }
  }

  /** The next `length` 32-bit words, little-endian. */
  words(length: number): Uint32Array<ArrayBuffer> {
    return new Uint32Array(this.bytes(4 * length).buffer);
  }
}

function derive(seed: Uint8Array, info: string, length: number): Uint8Array {
  if (seed.length !== SEED_BYTES)
    throw new SphynxError('crypto/input', `expected a seed of ${SEED_BYTES} bytes, got ${seed.length}`);
  return new Uint8Array(hkdfSync('sha256', seed, new Uint8Array(0), info, length));
}
