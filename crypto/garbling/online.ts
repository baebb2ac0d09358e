import { BLOCK_BYTES, xorWhere } from '../../kernels/blocks.ts';
import { allKeyCounters, colourSentKeys, sentKeyCounters } from '../../kernels/digit-tables.ts';
import type { KernelMemory } from '../../kernels/memory.ts';
import { inKernelMemory } from '../hash.ts';
import { addShares, subtractShares } from '../ring.ts';
import { checkChunk, digitsOf, type Gadget, gadgetBytes } from './gadget.ts';
import { circuitInput, garblerPart, offsetShare } from './inputs.ts';
import type { GarblerKeys } from './keys.ts';

/** The garbler's online half: it derives what it needs from its keys and sends one key per digit of its share. */

/**
 * The labels of the garbler's share [count words, without offsets: they are added here] for elements first ..
 * first + count: [online * count bytes], position-major. Only the keys that are sent are derived.
 */
export function serverLabels(
  gadget: Gadget,
  keys: GarblerKeys,
  first: number,
  count: number,
  share: Uint32Array,
): Uint8Array {
  checkChunk('share', share, count, count);
  const { online } = gadgetBytes(gadget);
  const digits = gadget.kind === 'rescale' ? [{ bit: 0, bits: 1 }] : digitsOf(gadget);
  return inKernelMemory((memory) => {
    const sent = memory.bytes(online * count);
    const plane = BLOCK_BYTES * count;
    const words = memory.u32(count);
    words.set(circuitInput(gadget, offsetShare(gadget, share)));
    const permutations = memory.bytes(plane);
    permutations.set(keys.permutations(first, count));
    const counters = memory.bytes(plane);
    for (const [d, { bit, bits }] of digits.entries()) {
      const out = sent.subarray(d * plane, (d + 1) * plane);
      if (bits === 1) oneBitLabels(keys, d, bit, first, words, out, memory);
      else {
        sentKeyCounters(words, bit, permutations, d, counters, first);
        keys.digitCipher(d).encrypt(counters, out);
        colourSentKeys(out, counters, count);
      }
    }
    return sent.slice();
  });
}

function oneBitLabels(
  keys: GarblerKeys,
  digit: number,
  bit: number,
  first: number,
  words: Uint32Array,
  out: Uint8Array,
  memory: KernelMemory,
): void {
  memory.scope(() => {
    const counters = memory.bytes(4 * out.length);
    allKeyCounters(counters, words.length, first);
    keys.digitCipher(digit).encrypt(counters.subarray(0, out.length), out);
    const delta = memory.bytes(BLOCK_BYTES);
    delta.set(keys.delta);
    xorWhere(out, words, bit, delta);
  });
}

/** rho of elements first .. first + count: the sum of the masks in their decode tables. */
export function outputMasks(gadget: Gadget, keys: GarblerKeys, first: number, count: number): Uint32Array {
  const tables = gadget.kind === 'rescale' ? 1 : gadget.ringBits - 1;
  const partial = keys.partialMasks(first, count, tables);
  const sums = partial.slice(0, count);
  for (let i = count; i < partial.length; i++) sums[i % count] += partial[i];
  return sums;
}

/**
 * What the garbler makes of the evaluator's reply v - r [count words]: x_next - r. Takes off rho; for 'rescale'
 * it also adds its own part of the result. `share`: as given to `serverLabels`.
 */
export function removeMask(
  gadget: Gadget,
  keys: GarblerKeys,
  first: number,
  count: number,
  received: Uint32Array,
  share: Uint32Array,
): Uint32Array {
  checkChunk('masked activations', received, count, count);
  checkChunk('share', share, count, count);
  const unmasked = subtractShares(received, outputMasks(gadget, keys, first, count));
  return gadget.kind === 'relu' ? unmasked : addShares(unmasked, garblerPart(gadget, share));
}
