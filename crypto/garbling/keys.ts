import { BlockCipher } from '#crypto/block-cipher';
import { type GateHash, gadgetHash } from '../hash.ts';
import { productHash } from '../ot/oblivious-product.ts';
import { expand, expandWords } from '../prg.ts';
import { type GarblerKeys, LABEL_BYTES } from './gadget.ts';

/** Keys for the digits of a word. */
const MAX_DIGITS = 32;

const derived = new WeakMap<GarblerKeys, LayerSecrets>();

/** The secrets of a layer, derived once per `keys` object, until `forgetSecrets`. */
export function layerSecrets(keys: GarblerKeys): LayerSecrets {
  let secrets = derived.get(keys);
  if (!secrets) {
    secrets = new LayerSecrets(keys);
    derived.set(keys, secrets);
  }
  return secrets;
}

/**
 * Frees the secrets derived from `keys`, once their layer is done. The keys may be used again; the secrets are then
 * derived again.
 */
export function forgetSecrets(keys: GarblerKeys): void {
  derived.get(keys)?.close();
  derived.delete(keys);
}

/**
 * The garbler's secrets of one layer, as functions of the element and, for the two streams, of the chunk: both
 * phases must cut a layer into the same chunks.
 */
export class LayerSecrets {
  readonly #keys: GarblerKeys;
  readonly #digitKeys: Uint8Array;
  readonly #digitCiphers = new Map<number, BlockCipher>();
  #hash: GateHash | undefined;
  #productHash: GateHash | undefined;

  constructor(keys: GarblerKeys) {
    this.#keys = keys;
    this.#digitKeys = expand(keys.seed, 'digit-keys', LABEL_BYTES * MAX_DIGITS);
  }

  /** Needed offline only. */
  get hash(): GateHash {
    this.#hash ??= gadgetHash(this.#keys.nonce, this.#keys.layer);
    return this.#hash;
  }

  /** Hash of the products of squares; needed offline only. */
  get productHash(): GateHash {
    this.#productHash ??= productHash(this.#keys.nonce, this.#keys.layer);
    return this.#productHash;
  }

  /** The pseudorandom function from counter blocks to digit keys; also the zero labels of one-bit digits. */
  digitCipher(digit: number): BlockCipher {
    let cipher = this.#digitCiphers.get(digit);
    if (!cipher) {
      cipher = new BlockCipher(this.#digitKeys.subarray(LABEL_BYTES * digit, LABEL_BYTES * (digit + 1)));
      this.#digitCiphers.set(digit, cipher);
    }
    return cipher;
  }

  /** One random block per element of a chunk: the order of its digit keys. */
  permutations(first: number, count: number): Uint8Array {
    return expand(this.#keys.seed, `permutations/${first}`, LABEL_BYTES * count);
  }

  /** Returns rho of the elements of a chunk, which masks their results. */
  outputMasks(first: number, count: number): Uint32Array<ArrayBuffer> {
    return expandWords(this.#keys.seed, `output-masks/${first}`, count);
  }

  /** Squares: returns the masks of the garbler's parts, and its shares of the products. */
  squareMasks(first: number, count: number): { parts: Uint32Array; products: Uint32Array } {
    const words = expandWords(this.#keys.seed, `square-masks/${first}`, 2 * count);
    return { parts: words.subarray(0, count), products: words.subarray(count) };
  }

  /** Frees the ciphers. */
  close(): void {
    this.#hash?.close();
    this.#productHash?.close();
    for (const cipher of this.#digitCiphers.values()) cipher.close();
    this.#digitCiphers.clear();
  }
}
