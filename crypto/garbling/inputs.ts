import type { Gadget } from './gadget.ts';

/** Each party's input to the gadget: public arithmetic on its own share, without branches on secrets. */

/** Added to x so that a rescaled element is not negative. */
const RESCALE_OFFSET = 2 ** 30;

/**
 * The garbler's share with the public offsets: 2^f, which makes the lost carry a fair rounding
 * (docs/protocol.md, section 1; without dropped bits there is no carry), and for 'rescale' 2^30.
 */
export function offsetShare({ kind, dropBits }: Gadget, share: Uint32Array): Uint32Array<ArrayBuffer> {
  const rounding = dropBits === 0 ? 0 : 2 ** dropBits;
  const offset = kind === 'rescale' ? rounding + RESCALE_OFFSET : rounding;
  const moved = new Uint32Array(share);
  for (let e = 0; e < moved.length; e++) moved[e] += offset;
  return moved;
}

/** Words times 2^shiftBits, in place. */
export function shifted<Words extends Uint32Array>(words: Words, { shiftBits }: Gadget): Words {
  if (shiftBits > 0) for (let e = 0; e < words.length; e++) words[e] <<= shiftBits;
  return words;
}

/** The bits of a share that enter the circuit: (share >>> f) mod 2^k, or the top bit for 'rescale'. */
export function circuitInput(gadget: Gadget, share: Uint32Array): Uint32Array<ArrayBuffer> {
  const { kind, ringBits, dropBits } = gadget;
  const [shift, mask] = kind === 'rescale' ? [31, 1] : [dropBits, 2 ** ringBits - 1];
  const input = new Uint32Array(share);
  for (let e = 0; e < input.length; e++) input[e] = (input[e] >>> shift) & mask;
  return input;
}

/** Rescale: returns the evaluator's addend to the word that it opens. */
export function evaluatorPart({ dropBits }: Gadget, share: Uint32Array): Uint32Array<ArrayBuffer> {
  const part = new Uint32Array(share);
  for (let e = 0; e < part.length; e++) part[e] >>>= dropBits;
  return part;
}

/** Rescale: returns the garbler's addend to the result, which also subtracts the offset of 2^30. */
export function garblerPart(gadget: Gadget, share: Uint32Array): Uint32Array<ArrayBuffer> {
  const offset = RESCALE_OFFSET / 2 ** gadget.dropBits;
  const part = evaluatorPart(gadget, offsetShare(gadget, share));
  for (let e = 0; e < part.length; e++) part[e] -= offset;
  return part;
}

/**
 * Rescale's decode table: it subtracts 2^(32-f) where the shares wrap around. Their sum is below 2^31 but for
 * the wrap, so they wrap just if x OR y, their top bits.
 */
export function wrapValues({ dropBits }: Gadget): [number, number, number, number] {
  const wrap = -(2 ** (32 - dropBits));
  return [0, wrap, wrap, wrap];
}
