/** Randomness: seeds from the system's CSPRNG, expanded by AES-128 in counter mode. There is no other source. */

import { KeyStream } from '#crypto/key-stream';
import { hkdf } from '#platform/digest';
import { SphynxError } from '../errors/sphynx-error.ts';
import { randomBytes } from '../platform/random-bytes.ts';

/** Length of every seed (bytes). */
export const SEED_BYTES = 32;

/** A fresh seed from the system's CSPRNG. */
export function randomSeed(): Uint8Array {
  return randomBytes(SEED_BYTES);
}

/** An independent seed for the purpose `label` (HKDF-SHA-256). Different labels never give related seeds. */
export function deriveSeed(seed: Uint8Array, label: string): Uint8Array {
  return derive(seed, `seed:${label}`, SEED_BYTES);
}

/** A pseudorandom stream for the purpose `label`: successive calls continue it. */
export class Prg {
  readonly #stream: KeyStream;

  constructor(seed: Uint8Array, label: string) {
    const keyAndCounter = derive(seed, `prg:${label}`, 32);
    this.#stream = new KeyStream(keyAndCounter.subarray(0, 16), keyAndCounter.subarray(16));
  }

  /** Returns the next `length` bytes as a new array. */
  bytes(length: number): Uint8Array<ArrayBuffer> {
    const bytes = new Uint8Array(length);
    this.fill(bytes);
    return bytes;
  }

  /** Fills `target` with the next bytes. */
  fill(target: Uint8Array): void {
    this.#stream.fill(target);
  }

  /** Frees the stream; needed for streams that are long-lived or numerous. It must not be used afterwards. */
  close(): void {
    this.#stream.close();
  }

  /** The next `length` 32-bit words, little-endian. */
  words(length: number): Uint32Array<ArrayBuffer> {
    return new Uint32Array(this.bytes(4 * length).buffer);
  }
}

/** Returns the first `length` bytes of a stream that is used only once. */
export function expand(seed: Uint8Array, label: string, length: number): Uint8Array<ArrayBuffer> {
  const stream = new Prg(seed, label);
  const bytes = stream.bytes(length);
  stream.close();
  return bytes;
}

/** Returns the first `length` 32-bit words of a stream that is used only once. */
export function expandWords(seed: Uint8Array, label: string, length: number): Uint32Array<ArrayBuffer> {
  return new Uint32Array(expand(seed, label, 4 * length).buffer);
}

function derive(seed: Uint8Array, info: string, length: number): Uint8Array {
  if (seed.length !== SEED_BYTES)
    throw new SphynxError('crypto/input', `expected a seed of ${SEED_BYTES} bytes, got ${seed.length}`);
  return hkdf(seed, info, length);
}
