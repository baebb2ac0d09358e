import type { Gadget } from './gadget.ts';

/** What each party puts into the gadget: public arithmetic on its own share. */

/** Added to x so that a rescaled element is not negative. */
const RESCALE_OFFSET = 2 ** 30;

/**
 * The garbler's share with the public offsets: 2^f, which makes the lost carry a fair rounding (protocol.md
 * section 1; without dropped bits there is no carry), and for 'rescale' 2^30.
 */
export function offsetShare({ kind, dropBits }: Gadget, share: Uint32Array): Uint32Array<ArrayBuffer> {
  const rounding = dropBits === 0 ? 0 : 2 ** dropBits;
  const offset = kind === 'rescale' ? rounding + RESCALE_OFFSET : rounding;
  return Uint32Array.from(share, (word) => word + offset);
}

/** The bits of a share that enter the circuit: (share >>> f) mod 2^k, or the top bit for 'rescale'. */
export function circuitInput(
  { kind, ringBits, dropBits }: Gadget,
  share: Uint32Array,
): Uint32Array<ArrayBuffer> {
  if (kind === 'rescale') return Uint32Array.from(share, (word) => word >>> 31);
  const mask = 2 ** ringBits - 1;
  return Uint32Array.from(share, (word) => (word >>> dropBits) & mask);
}

/** Evaluator: its input bits, one byte 0 or 1 each, position-major [labels * count]: the choices of its OTs. */
export function clientBits(gadget: Gadget, share: Uint32Array): Uint8Array<ArrayBuffer> {
  const input = circuitInput(gadget, share);
  const labels = gadget.kind === 'rescale' ? 1 : gadget.ringBits;
  const bits = new Uint8Array(labels * input.length);
  for (let j = 0; j < labels; j++)
    for (let e = 0; e < input.length; e++) bits[j * input.length + e] = (input[e] >>> j) & 1;
  return bits;
}

/** Rescale, evaluator: what it adds to the opened word; garbler: what it adds to the result, offset removed. */
export function evaluatorPart({ dropBits }: Gadget, share: Uint32Array): Uint32Array<ArrayBuffer> {
  return Uint32Array.from(share, (word) => word >>> dropBits);
}

export function garblerPart(gadget: Gadget, share: Uint32Array): Uint32Array<ArrayBuffer> {
  const offset = RESCALE_OFFSET / 2 ** gadget.dropBits;
  return offsetShare(gadget, share).map((word) => (word >>> gadget.dropBits) - offset);
}

/** The decode table of a rescaled element subtracts 2^(32-f) where the shares wrap: x OR y of their top bits. */
export function wrapValues({ dropBits }: Gadget): [number, number, number, number] {
  const wrap = -(2 ** (32 - dropBits));
  return [0, wrap, wrap, wrap];
}
