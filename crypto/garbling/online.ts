import type { BlockCipher } from '#crypto/block-cipher';
import { BLOCK_BYTES, xorWhere } from '../../kernels/blocks.ts';
import { allKeyCounters, colourSentKeys, sentKeyCounters } from '../../kernels/digit-tables.ts';
import type { KernelMemory } from '../../kernels/memory.ts';
import { inKernelMemory } from '../hash.ts';
import { subtractShares } from '../ring.ts';
import {
  checkChunk,
  checkLength,
  deltaOf,
  digitsOf,
  type Gadget,
  type GarblerKeys,
  gadgetBytes,
} from './gadget.ts';
import { circuitInput, garblerPart, offsetShare, shifted } from './inputs.ts';
import { layerSecrets } from './keys.ts';
import { plane } from './rows.ts';

/** The garbler's online half: it derives what it needs from its keys and sends one key per digit of its share. */

/**
 * The labels of the garbler's share for elements first .. first + count: [online * count bytes], position-major. Only
 * the keys that are sent are derived. `share` [count words]: without offsets, they are added here.
 *
 * Never to be called for two different shares of one bundle: both labels of a wire reveal Delta. Throws 'crypto/input'
 * on a wrong length.
 */
export function serverLabels(
  gadget: Gadget,
  keys: GarblerKeys,
  first: number,
  count: number,
  share: Uint32Array,
): Uint8Array {
  const { online } = gadgetBytes(gadget);
  checkChunk(first, count);
  checkLength('share', share, count);
  const secrets = layerSecrets(keys);
  return inKernelMemory((memory) => {
    const sent = memory.bytes(online * count);
    const size = BLOCK_BYTES * count;
    const words = memory.u32(count);
    words.set(circuitInput(gadget, offsetShare(gadget, share)));
    const permutations = memory.bytes(size);
    permutations.set(secrets.permutations(first, count));
    const counters = memory.bytes(size);
    for (const [d, { bit, bits }] of digitsOf(gadget).entries()) {
      const out = plane(sent, d, count);
      if (bits === 1) chosenBitLabels(secrets.digitCipher(d), deltaOf(keys), words, bit, first, out, memory);
      else {
        sentKeyCounters(words, bit, permutations, d, counters, first);
        secrets.digitCipher(d).encrypt(counters, out);
        colourSentKeys(out, counters, count);
      }
    }
    return sent.slice();
  });
}

/** The label of bit `bit` of every word: its zero label, plus delta where the bit is set. */
export function chosenBitLabels(
  cipher: BlockCipher,
  delta: Uint8Array,
  words: Uint32Array,
  bit: number,
  first: number,
  out: Uint8Array,
  memory: KernelMemory,
): void {
  memory.scope(() => {
    const counters = memory.bytes(4 * out.length);
    allKeyCounters(counters, words.length, first);
    cipher.encrypt(plane(counters, 0, words.length), out);
    const difference = memory.bytes(BLOCK_BYTES);
    difference.set(delta);
    xorWhere(out, words, bit, difference);
  });
}

/** rho of elements first .. first + count, which masks their results. */
export function outputMasks(keys: GarblerKeys, first: number, count: number): Uint32Array {
  checkChunk(first, count);
  return layerSecrets(keys).outputMasks(first, count);
}

/**
 * Converts the evaluator's reply v - r to x_next - r for the garbler. Subtracts 2^shiftBits rho, where rho are the
 * `masks` from `outputMasks`; for 'rescale' it also adds its own part of the result. `share`: as given to
 * `serverLabels`. All of one length. Throws 'crypto/input' if they are not.
 */
export function removeMask(
  gadget: Gadget,
  masks: Uint32Array,
  received: Uint32Array,
  share: Uint32Array,
): Uint32Array {
  checkLength('masked activations', received, masks.length);
  checkLength('share', share, masks.length);
  const own =
    gadget.kind === 'relu' ? new Uint32Array(masks) : subtractShares(masks, garblerPart(gadget, share));
  return subtractShares(received, shifted(own, gadget));
}
