import { createHash } from 'node:crypto';
import { xorBlocks } from '../kernels/blocks.ts';
import { kernels } from '../kernels/load.ts';
import { BlockCipher } from './block-cipher.ts';
import { Prg } from './prg.ts';

/**
 * The tweakable, circular correlation robust hash H_K(x, i) = AES_K(y) xor y with y = s(x) xor i, or for two
 * labels y = s(x1) xor s(s(x2)) xor i, and s(hi || lo) = (hi xor lo) || hi (Guo, Katz, Wang, Yu, S&P 2020;
 * Guo, Katz, Wang, Weng, Yu, CRYPTO 2020). K is fresh per `purpose`, so that i, the element's index, may
 * repeat from one purpose to the next. The kernels compute y; this does the rest.
 */
export class GateHash {
  readonly #keys: Uint8Array;
  readonly #ciphers = new Map<number, BlockCipher>();

  /** The hash keys of one layer of one bundle. `nonce`: public, never used for another bundle. */
  constructor(nonce: Uint8Array, layer: number) {
    const seed = createHash('sha256')
      .update('gate-hash')
      .update(nonce)
      .update(Uint32Array.of(layer))
      .digest();
    this.#keys = new Prg(new Uint8Array(seed), 'gate-keys').bytes(16 * PURPOSES);
  }

  /** AES_K of the inputs y [blocks], for a kernel that completes the hash itself; `out` may be `inputs`. */
  cipher(purpose: number, inputs: Uint8Array, out: Uint8Array): void {
    let cipher = this.#ciphers.get(purpose);
    if (!cipher) {
      cipher = new BlockCipher(this.#keys.subarray(16 * purpose, 16 * purpose + 16));
      this.#ciphers.set(purpose, cipher);
    }
    cipher.encrypt(inputs, out);
  }

  /** H from the inputs y [blocks in kernel memory] into `out`, another array in kernel memory. */
  hash(purpose: number, inputs: Uint8Array, out: Uint8Array): void {
    this.cipher(purpose, inputs, out);
    xorBlocks(out, inputs);
  }
}

/** Numbers of the purposes of a layer's hash keys: no two uses of the hash in one layer share one. */
export const PURPOSE = {
  /** Wire `bit` of the server's input (0..19), under its digit key. */
  digit: (bit: number) => bit,
  /** Generator's and evaluator's half of the AND gate of `bit`. */
  generator: (bit: number) => 20 + bit,
  evaluator: (bit: number) => 40 + bit,
  /** Decode table of `bit`. */
  decode: (bit: number) => 60 + bit,
} as const;

const PURPOSES = 80;

/** Runs `body` in a scope of the kernel memory. */
export function inKernelMemory<T>(body: (memory: ReturnType<typeof kernels>['memory']) => T): T {
  const { memory } = kernels();
  return memory.scope(() => body(memory));
}
