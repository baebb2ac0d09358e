import { type Cipheriv, createCipheriv, createSecretKey } from 'node:crypto';
import { owned, release } from '../../kernels/release.ts';

/** AES-128 on whole batches of blocks: the random permutation behind the hash and the key derivation. */
export class BlockCipher {
  readonly #cipher: Cipheriv;

  /** `key`: 16 bytes. */
  constructor(key: Uint8Array) {
    // A KeyObject, as for a key stream, because Node is slow to determine the type of other keys.
    this.#cipher = createCipheriv('aes-128-ecb', createSecretKey(key), null);
    this.#cipher.setAutoPadding(false);
  }

  /** AES of every block of `input`, into `output`, which may be `input`. Both [16 * n bytes]. */
  encrypt(input: Uint8Array, output: Uint8Array): void {
    // Without padding and on whole blocks, ECB keeps no state from one call to the next.
    const blocks = this.#cipher.update(input);
    output.set(blocks);
    release(owned(blocks));
  }

  /**
   * Frees the cipher, whose memory V8's collector does not count, as for a key stream. It must not be used afterwards.
   */
  close(): void {
    this.#cipher.final();
  }
}
