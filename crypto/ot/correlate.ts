import { SphynxError } from '../../errors/sphynx-error.ts';

/**
 * From random OT to wire labels. The sender takes its first message as the label for 0 and corrects the second
 * to zero xor delta, the same delta for every wire.
 */

/** Sender: zero xor one xor delta for every transfer [16 * count bytes]. `delta`: 16 bytes. */
export function labelCorrections(zero: Uint8Array, one: Uint8Array, delta: Uint8Array): Uint8Array {
  const corrections = new Uint8Array(zero.length);
  for (let i = 0; i < zero.length; i++) corrections[i] = zero[i] ^ one[i] ^ delta[i & 15];
  return corrections;
}

/**
 * Receiver: the labels of its choices [16 * count bytes], from its messages and the corrections. Throws
 * 'protocol/length' if the lengths do not belong together.
 */
export function correctLabels(
  messages: Uint8Array,
  choices: Uint8Array,
  corrections: Uint8Array,
): Uint8Array {
  if (messages.length !== corrections.length || messages.length !== 16 * choices.length)
    throw new SphynxError(
      'protocol/length',
      `OT corrections: expected ${messages.length} bytes, got ${corrections.length}`,
    );
  const labels = new Uint8Array(messages.length);
  for (let i = 0; i < labels.length; i++) labels[i] = messages[i] ^ (corrections[i] & -choices[i >> 4]);
  return labels;
}
