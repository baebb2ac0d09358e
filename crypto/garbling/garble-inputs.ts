import { BLOCK_BYTES } from '../../kernels/blocks.ts';
import { allKeyCounters, allKeyInputs, DIGIT_ROW_BYTES, garbleDigit } from '../../kernels/digit-tables.ts';
import type { KernelMemory } from '../../kernels/memory.ts';
import { PURPOSE } from '../hash.ts';
import { digitsOf, type Gadget } from './gadget.ts';
import type { LayerSecrets } from './keys.ts';
import { plane, type Rows } from './rows.ts';

/** State shared by all of the garbler's passes over a chunk. */
export interface GarbledChunk {
  readonly secrets: LayerSecrets;
  readonly first: number;
  readonly count: number;
  readonly memory: KernelMemory;
  /** In kernel memory. */
  readonly delta: Uint8Array;
  readonly rows: Rows;
}

/**
 * The labels for 0 of the garbler's own input wires [ringBits planes]; adds the tables of the two-bit digits to
 * the rows. A one-bit digit needs none: its key is the label itself.
 */
export function garbleInputs(gadget: Gadget, chunk: GarbledChunk): Uint8Array {
  const { secrets, first, count, memory, delta, rows } = chunk;
  const size = BLOCK_BYTES * count;
  const a = memory.bytes(gadget.ringBits * size);
  memory.scope(() => {
    const permutations = memory.bytes(size);
    permutations.set(secrets.permutations(first, count));
    const counters = memory.bytes(4 * size);
    allKeyCounters(counters, count, first);
    const digitKeys = memory.bytes(4 * size);
    const inputs = memory.bytes(4 * size);
    const ciphers = [memory.bytes(4 * size), memory.bytes(4 * size)] as const;
    for (const [d, { bit, bits }] of digitsOf(gadget).entries()) {
      if (bits === 1) {
        secrets.digitCipher(d).encrypt(plane(counters, 0, count), plane(a, bit, count));
        continue;
      }
      secrets.digitCipher(d).encrypt(counters, digitKeys);
      allKeyInputs(digitKeys, inputs, count, first);
      secrets.hash.cipher(PURPOSE.digit(bit), inputs, ciphers[0]);
      secrets.hash.cipher(PURPOSE.digit(bit + 1), inputs, ciphers[1]);
      const zeroLabels = [plane(a, bit, count), plane(a, bit + 1, count)] as const;
      garbleDigit(
        inputs,
        ciphers,
        permutations,
        d,
        delta,
        rows.take(DIGIT_ROW_BYTES * count),
        zeroLabels,
        count,
      );
    }
  });
  return a;
}

/** The labels for 0 of the garbler's wire `digit`, which is a digit of one bit. */
export function bitLabels(
  secrets: LayerSecrets,
  digit: number,
  first: number,
  count: number,
  memory: KernelMemory,
): Uint8Array {
  const labels = memory.bytes(4 * BLOCK_BYTES * count);
  allKeyCounters(labels, count, first);
  secrets.digitCipher(digit).encrypt(labels, labels);
  return plane(labels, 0, count);
}
