import { SphynxError } from '../../errors/sphynx-error.ts';
import { BLOCK_BYTES, hashInputs, xorEach } from '../../kernels/blocks.ts';
import { GateHash, inKernelMemory } from '../hash.ts';

/**
 * Oblivious products mod 2^32 (Gilboa, CRYPTO 1999) from correlated OTs. The sender holds rho, the receiver r; they end
 * with sigma_s + sigma_r = rho * r. For every bit j of r there is one transfer whose choice is r_j, with the sender's
 * labels w and w + Delta, and t = H(w):
 *
 *     sender -> receiver: c_j = H(w) - H(w + Delta) + rho mod 2^(32-j)
 *
 * So the receiver has t + r_j * rho, and the sum over 2^j of these is the sum over 2^j of the t, plus rho * r. Only
 * 32 - j bits of c_j count, as the rest is shifted out: 66 bytes per product. One word more brings the sender's share to
 * one that its seed yields, so that it keeps nothing.
 */

/** Transfers per product. */
export const PRODUCT_TRANSFERS = 32;

/** Bytes from the sender per product: 15 words of two corrections each, one of one, half a word, and the last word. */
export const PRODUCT_BYTES = 16 * 4 + 2 + 4;

/** The hash of the products of one layer of one bundle. Errors as the constructor's of `GateHash`. */
export function productHash(nonce: Uint8Array, layer: number): GateHash {
  return new GateHash('product-hash', nonce, layer, PRODUCT_TRANSFERS);
}

/** Receiver: its choices [32 * count], position-major, from its factors r [count]. */
export function productChoices(factors: Uint32Array): Uint8Array {
  const count = factors.length;
  const choices = new Uint8Array(PRODUCT_TRANSFERS * count);
  for (let j = 0; j < PRODUCT_TRANSFERS; j++)
    for (let e = 0; e < count; e++) choices[j * count + e] = (factors[e] >>> j) & 1;
  return choices;
}

/**
 * Sender: what it sends [PRODUCT_BYTES * count] so that its shares are `shares`. `zeroLabels`: for choice 0 [16 * 32 *
 * count, position-major]; `factors`: rho [count]; `first`: number of the first product, the tweak of its hashes: no
 * number serves twice under one hash. Throws 'crypto/input' on a wrong length.
 */
export function offerProducts(
  hash: GateHash,
  first: number,
  zeroLabels: Uint8Array,
  delta: Uint8Array,
  factors: Uint32Array,
  shares: Uint32Array,
): Uint8Array {
  const count = factors.length;
  checkLength('labels', zeroLabels.length, BLOCK_BYTES * PRODUCT_TRANSFERS * count);
  checkLength('shares', shares.length, count);
  const message = new ProductMessage(count);
  message.adjust.set(shares);
  const corrections = new Uint32Array(count);
  for (let j = 0; j < PRODUCT_TRANSFERS; j++) {
    const labels = plane(zeroLabels, j, count);
    const zero = hashedWords(hash, j, labels, null, first);
    const one = hashedWords(hash, j, labels, delta, first);
    for (let e = 0; e < count; e++) {
      corrections[e] = zero[e] - one[e] + factors[e];
      message.adjust[e] += zero[e] << j;
    }
    message.put(j, corrections);
  }
  // The receiver holds sum + rho r, where sum is that of the words above: -shares is to stand in its place.
  for (let e = 0; e < count; e++) message.adjust[e] = -message.adjust[e];
  return message.bytes;
}

/**
 * Receiver: its shares [count]. `labels`: of its choices [16 * 32 * count, position-major]; `factors`: r; `received`:
 * the sender's bytes. Throws 'crypto/input' on a wrong length.
 */
export function takeProducts(
  hash: GateHash,
  first: number,
  labels: Uint8Array,
  factors: Uint32Array,
  received: Uint8Array,
): Uint32Array {
  const count = factors.length;
  checkLength('labels', labels.length, BLOCK_BYTES * PRODUCT_TRANSFERS * count);
  checkLength('corrections of products', received.length, PRODUCT_BYTES * count);
  const message = new ProductMessage(count, received);
  const shares = message.adjust.slice();
  const corrections = new Uint32Array(count);
  for (let j = 0; j < PRODUCT_TRANSFERS; j++) {
    const words = hashedWords(hash, j, plane(labels, j, count), null, first);
    message.take(j, corrections);
    for (let e = 0; e < count; e++) {
      const chosen = -((factors[e] >>> j) & 1);
      shares[e] += (words[e] + (corrections[e] & chosen)) << j;
    }
  }
  return shares;
}

/**
 * The sender's bytes. Word j of an element, for j = 1..15, holds the 32 - j bits of correction j and above them the j
 * bits of correction 32 - j; word 0 holds correction 0, and a half word that of 16.
 */
class ProductMessage {
  readonly #count: number;
  readonly #words: Uint32Array;
  readonly #halves: Uint16Array;
  /** The word that is added to the receiver's share. */
  readonly adjust: Uint32Array;

  constructor(count: number, bytes?: Uint8Array) {
    this.#count = count;
    const own = bytes ? bytes.slice() : new Uint8Array(PRODUCT_BYTES * count);
    this.#words = new Uint32Array(own.buffer, 0, 16 * count);
    this.adjust = new Uint32Array(own.buffer, 64 * count, count);
    this.#halves = new Uint16Array(own.buffer, 68 * count, count);
  }

  get bytes(): Uint8Array {
    return new Uint8Array(this.#words.buffer);
  }

  put(j: number, corrections: Uint32Array): void {
    const { words, low, high } = this.#place(j);
    for (let e = 0; e < this.#count; e++) words[e] |= ((corrections[e] << high) >>> high) << low;
  }

  /** Bits above the 32 - j that count may be wrong. */
  take(j: number, corrections: Uint32Array): void {
    const { words, low } = this.#place(j);
    for (let e = 0; e < this.#count; e++) corrections[e] = words[e] >>> low;
  }

  /** Where correction j stands: in which words, at which bit, and how many of its high bits do not count. */
  #place(j: number): { words: Uint32Array | Uint16Array; low: number; high: number } {
    if (j === 16) return { words: this.#halves, low: 0, high: 16 };
    const word = j < 16 ? j : 32 - j;
    const words = this.#words.subarray(word * this.#count, (word + 1) * this.#count);
    return { words, low: j < 16 ? 0 : j, high: j };
  }
}

/** The first word of H of every label, or of every label plus delta, under the key of transfer j. */
function hashedWords(
  hash: GateHash,
  j: number,
  labels: Uint8Array,
  delta: Uint8Array | null,
  first: number,
): Uint32Array {
  return inKernelMemory((memory) => {
    const x = memory.bytes(labels.length);
    x.set(labels);
    if (delta) {
      const offset = memory.bytes(BLOCK_BYTES);
      offset.set(delta);
      xorEach(x, offset);
    }
    const inputs = memory.bytes(labels.length);
    hashInputs(x, inputs, first);
    hash.hash(j, inputs, x);
    const blocks = new Uint32Array(x.buffer, x.byteOffset, x.length / 4);
    const words = new Uint32Array(labels.length / BLOCK_BYTES);
    for (let e = 0; e < words.length; e++) words[e] = blocks[4 * e];
    return words;
  });
}

function plane(blocks: Uint8Array, j: number, count: number): Uint8Array {
  return blocks.subarray(BLOCK_BYTES * count * j, BLOCK_BYTES * count * (j + 1));
}

function checkLength(what: string, got: number, expected: number): void {
  if (got !== expected)
    throw new SphynxError('crypto/input', `${what}: expected a length of ${expected}, got ${got}`);
}
