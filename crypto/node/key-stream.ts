import { type Cipheriv, createCipheriv, createSecretKey } from 'node:crypto';
import { owned, release } from '../../kernels/release.ts';

/** What the cipher encrypts, a run at a time: the key stream itself. */
const ZEROS = new Uint8Array(65536);

/** AES-128 of a counter that begins anywhere and counts modulo 2^128, as a stream of bytes (NIST SP 800-38A, CTR). */
export class KeyStream {
  readonly #cipher: Cipheriv;

  /** `key`, `counter` (big-endian): 16 bytes each. */
  constructor(key: Uint8Array, counter: Uint8Array) {
    // Node takes 40 us to find out what a key is, unless it is one of its own.
    this.#cipher = createCipheriv('aes-128-ctr', createSecretKey(key), counter);
  }

  /** The next bytes, over those of `target`. */
  fill(target: Uint8Array): void {
    for (let start = 0; start < target.length; start += ZEROS.length) {
      const run = this.#cipher.update(ZEROS.subarray(0, target.length - start));
      target.set(run, start);
      release(owned(run));
    }
  }

  /** Frees the cipher. Its 2 kB lie outside V8's heap, whose collector does not count them: many streams add up. */
  close(): void {
    this.#cipher.final();
  }
}
