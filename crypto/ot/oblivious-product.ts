import { SphynxError } from '../../errors/sphynx-error.ts';
import { BLOCK_BYTES } from '../../kernels/blocks.ts';
import type { KernelMemory } from '../../kernels/memory.ts';
import {
  offerCorrections,
  type Place,
  type Transfer,
  takeCorrections,
  transferInputs,
} from '../../kernels/products.ts';
import { GateHash, inKernelMemory, latestHash } from '../hash.ts';

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

/** The same for the receiver; kept until another layer is asked for, as `gateHash`. */
export const latestProductHash = latestHash(productHash);

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
  return inKernelMemory((memory) => {
    const message = new ProductMessage(count, memory);
    const difference = memory.bytes(BLOCK_BYTES);
    difference.set(delta);
    const sums = memory.u32(count);
    sums.set(shares);
    const transfer = transferOf(factors, sums, 2, memory);
    for (const place of message.places) {
      hashPlane(hash, place.j, plane(zeroLabels, place.j, count), difference, first, transfer, memory);
      offerCorrections(transfer, place);
    }
    // The receiver holds sum + rho r, where sum is that of the words above: -shares is to stand in its place.
    return message.finish(sums.map((sum) => -sum));
  });
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
  return inKernelMemory((memory) => {
    const message = new ProductMessage(count, memory);
    const sums = memory.u32(count);
    sums.set(message.read(received));
    const transfer = transferOf(factors, sums, 1, memory);
    for (const place of message.places) {
      hashPlane(hash, place.j, plane(labels, place.j, count), null, first, transfer, memory);
      takeCorrections(transfer, place);
    }
    return sums.slice();
  });
}

/**
 * The sender's bytes. Word j of an element, for j = 1..15, holds the 32 - j bits of correction j and above them the j
 * bits of correction 32 - j; word 0 holds correction 0, and a half word that of 16. In kernel memory the half word is the
 * upper half of a word of its own.
 */
class ProductMessage {
  readonly #count: number;
  readonly #words: Uint32Array;
  readonly #middle: Uint32Array;

  constructor(count: number, memory: KernelMemory) {
    this.#count = count;
    this.#words = memory.u32(16 * count).fill(0);
    this.#middle = memory.u32(count).fill(0);
  }

  /** Where each correction stands. */
  get places(): Place[] {
    return Array.from({ length: PRODUCT_TRANSFERS }, (_, j) => {
      const word = j < 16 ? j : PRODUCT_TRANSFERS - j;
      const words =
        j === 16 ? this.#middle : this.#words.subarray(word * this.#count, (word + 1) * this.#count);
      return { j, words, low: j < 16 ? 0 : j };
    });
  }

  /** The bytes that go to the receiver, with the word that is added to its shares. */
  finish(adjust: Uint32Array): Uint8Array {
    const { bytes, words, adjusting, halves } = viewsOf(new Uint8Array(PRODUCT_BYTES * this.#count));
    words.set(this.#words);
    adjusting.set(adjust);
    halves.set(this.#middle.map((word) => word >>> 16));
    return bytes;
  }

  /** Takes the corrections from the sender's bytes, and returns the word that is added to the receiver's shares. */
  read(received: Uint8Array): Uint32Array {
    // They may stand at any address.
    const { words, adjusting, halves } = viewsOf(received.slice());
    this.#words.set(words);
    for (const [e, half] of halves.entries()) this.#middle[e] = half << 16;
    return adjusting;
  }
}

/** The parts of a message. */
function viewsOf(bytes: Uint8Array<ArrayBuffer>) {
  const count = bytes.length / PRODUCT_BYTES;
  const words = new Uint32Array(bytes.buffer, 0, 16 * count);
  const adjusting = new Uint32Array(bytes.buffer, 64 * count, count);
  return { bytes, words, adjusting, halves: new Uint16Array(bytes.buffer, 68 * count, count) };
}

/** Room for the hashes of one transfer, of one or two labels per element. */
function transferOf(factors: Uint32Array, sums: Uint32Array, planes: number, memory: KernelMemory): Transfer {
  const [inputs, ciphers] = [0, 1].map(() => memory.bytes(planes * BLOCK_BYTES * factors.length));
  const own = memory.u32(factors.length);
  own.set(factors);
  return { inputs, ciphers, factors: own, sums };
}

/** Hashes every label under the key of transfer j and, with `delta`, every label plus delta. */
function hashPlane(
  hash: GateHash,
  j: number,
  labels: Uint8Array,
  delta: Uint8Array | null,
  first: number,
  { inputs, ciphers, factors }: Transfer,
  memory: KernelMemory,
): void {
  memory.scope(() => {
    const own = memory.bytes(labels.length);
    own.set(labels);
    transferInputs(own, delta, inputs, factors.length, first);
    hash.cipher(j, inputs, ciphers);
  });
}

function plane(blocks: Uint8Array, j: number, count: number): Uint8Array {
  return blocks.subarray(BLOCK_BYTES * count * j, BLOCK_BYTES * count * (j + 1));
}

function checkLength(what: string, got: number, expected: number): void {
  if (got !== expected)
    throw new SphynxError('crypto/input', `${what}: expected a length of ${expected}, got ${got}`);
}
