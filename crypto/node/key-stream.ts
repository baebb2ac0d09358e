import { type Cipheriv, createCipheriv, createSecretKey } from 'node:crypto';
import { owned, release } from '../../kernels/release.ts';

/** Zeros, whose encryption is the key stream itself. */
const ZEROS = new Uint8Array(65536);

/** A key stream: AES-128 of a counter with any start value, modulo 2^128 (NIST SP 800-38A, CTR). */
export class KeyStream {
  readonly #cipher: Cipheriv;

  /** `key`, `counter` (big-endian): 16 bytes each. */
  constructor(key: Uint8Array, counter: Uint8Array) {
    // Node takes 40 us to determine the type of a key that is not a KeyObject.
    this.#cipher = createCipheriv('aes-128-ctr', createSecretKey(key), counter);
  }

  /** Fills `target` with the next bytes. */
  fill(target: Uint8Array): void {
    for (let start = 0; start < target.length; start += ZEROS.length) {
      const run = this.#cipher.update(ZEROS.subarray(0, target.length - start));
      target.set(run, start);
      release(owned(run));
    }
  }

  /** Frees the cipher. Its 2 kB are outside V8's heap and not counted by the collector, so many streams add up. */
  close(): void {
    this.#cipher.final();
  }
}
