import { SphynxError } from '../../errors/sphynx-error.ts';
import { hashInputs, xorBlocks } from '../../kernels/blocks.ts';
import type { KernelMemory } from '../../kernels/memory.ts';
import { BlockCipher } from '../block-cipher.ts';
import { deriveSeed } from '../prg.ts';

/**
 * Most transfers of one session, padding included. The tweak has 2^32 values and must not wrap; at this limit
 * every column stream has made 2^24 AES blocks, far from repeating too.
 */
export const SESSION_TRANSFERS = 2 ** 31;

/** H_K(x, i) of crypto/hash.ts with K bound to the session and i counting all transfers of the session. */
export class TransferHash {
  readonly #cipher: BlockCipher;
  #next = 0;

  /** `session`: 32 bytes, the hash of the base OTs' transcript. */
  constructor(session: Uint8Array) {
    this.#cipher = new BlockCipher(deriveSeed(session, 'transfer-hash').subarray(0, 16));
  }

  /** Reserves `count` tweaks and returns the first. Throws 'crypto/input', reserving none, at the session's limit. */
  take(count: number): number {
    const first = this.#next;
    if (first + count > SESSION_TRANSFERS)
      throw new SphynxError('crypto/input', 'this session has made all its transfers; open a new one');
    this.#next += count;
    return first;
  }

  /** The hashes of `blocks` under the tweaks first, first + 1, ...; all in kernel memory. */
  of(blocks: Uint8Array, first: number, memory: KernelMemory): Uint8Array {
    const inputs = memory.bytes(blocks.length);
    const hashes = memory.bytes(blocks.length);
    hashInputs(blocks, inputs, first);
    this.#cipher.encrypt(inputs, hashes);
    xorBlocks(hashes, inputs);
    return hashes;
  }

  /** Frees the cipher. The object must not be used afterwards. */
  close(): void {
    this.#cipher.close();
  }
}
