import { BlockCipher } from '#crypto/block-cipher';
import { sha256 } from '#platform/digest';
import { SphynxError } from '../errors/sphynx-error.ts';
import { BLOCK_BYTES, xorBlocks } from '../kernels/blocks.ts';
import { kernels } from '../kernels/load.ts';
import { expand } from './prg.ts';

/**
 * The tweakable, circular correlation robust hash H_K(x, i) = AES_K(y) xor y with y = s(x) xor i, or for two
 * labels y = s(x1) xor s(s(x2)) xor i, and s(hi || lo) = (hi xor lo) || hi (Guo, Katz, Wang, Yu, S&P 2020;
 * Guo, Katz, Wang, Weng, Yu, CRYPTO 2020). K is fresh per `purpose`, so that i, the element's index, may
 * repeat from one purpose to the next. The kernels compute y; this does the rest.
 *
 * The elements of a layer share their keys. An attacker who searches for Delta can test all C of them with one
 * evaluation, so about 2^128 / C suffice (the second of these papers). H also needs labels that nobody can choose. Ours
 * are pseudorandom, because the base OTs' seeds hash both parties' points and the check of the trees binds all leaves.
 */
export class GateHash {
  readonly #keys: Uint8Array;
  readonly #ciphers = new Map<number, BlockCipher>();

  /**
   * The hash keys of one circuit over one layer of one bundle. `circuit`: a label that no other circuit has; `nonce`: 16
   * bytes, public, never used for another bundle; `purposes`: how many keys. Throws 'crypto/input' if the nonce has
   * another length.
   */
  constructor(circuit: string, nonce: Uint8Array, layer: number, purposes: number) {
    if (nonce.length !== BLOCK_BYTES)
      throw new SphynxError('crypto/input', `expected a nonce of ${BLOCK_BYTES} bytes, got ${nonce.length}`);
    const seed = sha256(circuit, nonce, new Uint8Array(Uint32Array.of(layer).buffer));
    this.#keys = expand(seed, 'gate-keys', BLOCK_BYTES * purposes);
  }

  /** AES_K of the inputs y [blocks], for a kernel that completes the hash itself; `out` may be `inputs`. */
  cipher(purpose: number, inputs: Uint8Array, out: Uint8Array): void {
    this.#cipher(purpose).encrypt(inputs, out);
  }

  /** Makes the ciphers of these purposes now, instead of at their first use. */
  ready(purposes: Iterable<number>): void {
    for (const purpose of purposes) this.#cipher(purpose);
  }

  /** H from the inputs y [blocks in kernel memory] into `out`, another array in kernel memory. */
  hash(purpose: number, inputs: Uint8Array, out: Uint8Array): void {
    this.cipher(purpose, inputs, out);
    xorBlocks(out, inputs);
  }

  /** Frees the ciphers. The object may be used again and then creates new ones. */
  close(): void {
    for (const cipher of this.#ciphers.values()) cipher.close();
    this.#ciphers.clear();
  }

  #cipher(purpose: number): BlockCipher {
    let cipher = this.#ciphers.get(purpose);
    if (!cipher) {
      cipher = new BlockCipher(this.#keys.subarray(BLOCK_BYTES * purpose, BLOCK_BYTES * (purpose + 1)));
      this.#ciphers.set(purpose, cipher);
    }
    return cipher;
  }
}

/** The hash of the gadgets of one layer. Errors as the constructor's. */
export function gadgetHash(nonce: Uint8Array, layer: number): GateHash {
  return new GateHash('gate-hash', nonce, layer, PURPOSES);
}

/**
 * Caches the latest hash that `make` creates for a nonce and layer, whose keys are public. It is closed when another
 * layer is requested, because the chunks of a layer follow each other.
 */
export function latestHash(
  make: (nonce: Uint8Array, layer: number) => GateHash,
): (nonce: Uint8Array, layer: number) => GateHash {
  let latest: { nonce: Uint8Array; layer: number; hash: GateHash } | undefined;
  return (nonce, layer) => {
    if (latest?.layer !== layer || latest.nonce.some((byte, i) => byte !== nonce[i])) {
      const hash = make(nonce, layer);
      latest?.hash.close();
      latest = { nonce: nonce.slice(), layer, hash };
    }
    return latest.hash;
  };
}

/** Returns the cached hash of a layer's gadgets. */
export const gateHash = latestHash(gadgetHash);

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
