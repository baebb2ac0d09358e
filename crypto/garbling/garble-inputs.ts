import { BLOCK_BYTES } from '../../kernels/blocks.ts';
import {
  allKeyCounters,
  allKeyInputs,
  colourAllKeys,
  DIGIT_ROW_BYTES,
  garbleDigit,
} from '../../kernels/digit-tables.ts';
import type { KernelMemory } from '../../kernels/memory.ts';
import { PURPOSE } from '../hash.ts';
import { digitsOf, type Gadget } from './gadget.ts';
import type { LayerSecrets } from './keys.ts';
import type { Rows } from './rows.ts';

/**
 * The garbler's own input wires: writes their labels for 0 to `a` [ringBits planes of count blocks] and the
 * tables of the two-bit digits to `rows`. A one-bit digit needs none: its key is the label itself.
 */
export function garbleInputs(
  gadget: Gadget,
  secrets: LayerSecrets,
  first: number,
  count: number,
  memory: KernelMemory,
  delta: Uint8Array,
  a: Uint8Array,
  rows: Rows,
): void {
  const plane = BLOCK_BYTES * count;
  const label = (bit: number) => a.subarray(bit * plane, (bit + 1) * plane);
  memory.scope(() => {
    const permutations = memory.bytes(plane);
    permutations.set(secrets.permutations(first, count));
    const digitKeys = memory.bytes(4 * plane);
    const inputs = memory.bytes(4 * plane);
    const hashes = [memory.bytes(4 * plane), memory.bytes(4 * plane)] as const;
    for (const [d, { bit, bits }] of digitsOf(gadget).entries()) {
      allKeyCounters(digitKeys, count, first);
      secrets.digitCipher(d).encrypt(digitKeys, digitKeys);
      if (bits === 1) {
        label(bit).set(digitKeys.subarray(0, plane));
        continue;
      }
      colourAllKeys(digitKeys, count);
      allKeyInputs(digitKeys, inputs, count, first);
      secrets.hash.hash(PURPOSE.digit(bit), inputs, hashes[0]);
      secrets.hash.hash(PURPOSE.digit(bit + 1), inputs, hashes[1]);
      const zeroLabels = [label(bit), label(bit + 1)] as const;
      garbleDigit(hashes, permutations, d, delta, rows.take(DIGIT_ROW_BYTES * count), zeroLabels, count);
    }
  });
}

/** Rescale: the labels for 0 of the garbler's only wire, which is a one-bit digit. */
export function wrapLabels(
  secrets: LayerSecrets,
  first: number,
  count: number,
  memory: KernelMemory,
): Uint8Array {
  const labels = memory.bytes(4 * BLOCK_BYTES * count);
  allKeyCounters(labels, count, first);
  secrets.digitCipher(0).encrypt(labels, labels);
  return labels.subarray(0, BLOCK_BYTES * count);
}
