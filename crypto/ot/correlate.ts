import { SphynxError } from '../../errors/sphynx-error.ts';
import { BLOCK_BYTES, xorBlocks, xorChosen, xorEach } from '../../kernels/blocks.ts';
import type { KernelMemory } from '../../kernels/memory.ts';
import { inKernelMemory } from '../hash.ts';

/**
 * From random OT to wire labels. The sender takes its first message as the label for 0 and corrects the second
 * to zero xor delta, the same delta for every wire.
 */

/** Labels per pass through the kernel memory: keeps it small and in the cache. */
const PASS_LABELS = 4096;

/**
 * Sender: zero xor one xor delta for every transfer [16 * count bytes]. `delta`: 16 bytes. Throws 'crypto/input'
 * on other lengths: missing bytes would send a label in the clear.
 */
export function labelCorrections(zero: Uint8Array, one: Uint8Array, delta: Uint8Array): Uint8Array {
  if (one.length !== zero.length || zero.length % BLOCK_BYTES !== 0 || delta.length !== BLOCK_BYTES)
    throw new SphynxError(
      'crypto/input',
      `expected equally many blocks and a delta of ${BLOCK_BYTES} bytes, ` +
        `got ${zero.length}, ${one.length} and ${delta.length} bytes`,
    );
  return inPasses(zero, (labels, start, end, memory) => {
    xorBlocks(labels, copied(memory, one.subarray(BLOCK_BYTES * start, BLOCK_BYTES * end)));
    xorEach(labels, copied(memory, delta));
  });
}

/**
 * Receiver: the labels of its choices [16 * count bytes], from its messages and the corrections. `choices`: a
 * byte 0 or 1 per transfer. Throws 'protocol/length' if the corrections have another length than the messages,
 * 'crypto/input' if there are not as many choices as messages.
 */
export function correctLabels(
  messages: Uint8Array,
  choices: Uint8Array,
  corrections: Uint8Array,
): Uint8Array {
  if (messages.length !== BLOCK_BYTES * choices.length)
    throw new SphynxError(
      'crypto/input',
      `expected ${BLOCK_BYTES * choices.length} bytes of messages, got ${messages.length}`,
    );
  if (corrections.length !== messages.length)
    throw new SphynxError(
      'protocol/length',
      `OT corrections: expected ${messages.length} bytes, got ${corrections.length}`,
    );
  return inPasses(messages, (labels, start, end, memory) => {
    const correction = copied(memory, corrections.subarray(BLOCK_BYTES * start, BLOCK_BYTES * end));
    xorChosen(labels, copied(memory, choices.subarray(start, end)), correction);
  });
}

/** A copy of `source` changed by `change`, which is given it pass by pass: labels `start` to `end` in kernel memory. */
function inPasses(
  source: Uint8Array,
  change: (labels: Uint8Array, start: number, end: number, memory: KernelMemory) => void,
): Uint8Array {
  const out = new Uint8Array(source.length);
  const count = source.length / BLOCK_BYTES;
  for (let start = 0; start < count; start += PASS_LABELS) {
    const end = Math.min(count, start + PASS_LABELS);
    inKernelMemory((memory) => {
      const labels = copied(memory, source.subarray(BLOCK_BYTES * start, BLOCK_BYTES * end));
      change(labels, start, end, memory);
      out.set(labels, BLOCK_BYTES * start);
    });
  }
  return out;
}

function copied(memory: KernelMemory, bytes: Uint8Array): Uint8Array {
  const copy = memory.bytes(bytes.length);
  copy.set(bytes);
  return copy;
}
