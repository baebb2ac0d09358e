import { SphynxError } from '../../errors/sphynx-error.ts';
import { BLOCK_BYTES } from '../../kernels/blocks.ts';
import { PAIR_ROW_BYTES } from '../../kernels/decode-tables.ts';
import { DIGIT_ROW_BYTES } from '../../kernels/digit-tables.ts';
import { PRODUCT_BYTES, PRODUCT_TRANSFERS } from '../ot/oblivious-product.ts';

/**
 * A nonlinear function on shares, garbled per element (docs/protocol.md, section 3). For x = a + b mod 2^32, signed:
 *
 * - 'relu': ReLU of x / 2^f, rounded stochastically, exact while |x / 2^f| < 2^(k-1);
 * - 'rescale': x / 2^f alone, rounded stochastically, exact while |x| < 2^30 - 2^f;
 * - 'square': the square of that mod 2^32 (crypto/squares/square.ts).
 *
 * For f = 0 nothing is dropped or rounded. The results of 'relu' and 'rescale' are multiplied by 2^shiftBits.
 */
export interface Gadget {
  readonly kind: 'relu' | 'rescale' | 'square';
  /** k: width of the adder, 2..20; unused by the other kinds. */
  readonly ringBits: number;
  /** f: low bits that are dropped, 0..30; k + f <= 32. */
  readonly dropBits: number;
  /** Bits that the result is shifted up by, 0..31; 0 for 'square'. */
  readonly shiftBits: number;
  /** Bits of the garbler's input per online label. */
  readonly digitBits: 1 | 2;
}

/**
 * The garbler's keys for one layer of one bundle. Everything else is derived from them, so the online phase needs no
 * state of the offline phase. One object serves all chunks of a layer; it never changes.
 */
export interface GarblerKeys {
  /** Secret, of this layer of this bundle alone (32 bytes). */
  readonly seed: Uint8Array;
  /**
   * Secret, of the session: the difference of the two labels of every wire (16 bytes, colour bit 1). null if it is not
   * available; online it is needed only if `hasBitLabels`.
   */
  readonly delta: Uint8Array | null;
  /** Public, of the bundle (16 bytes). */
  readonly nonce: Uint8Array;
  readonly layer: number;
}

/** Most elements per call: the arrays of one gate position stay in the processor's cache. */
export const GADGET_CHUNK = 2048;

/** Widest adder. The numbers of the hash keys (`PURPOSE` in crypto/hash.ts) leave room for so many bits. */
export const MAX_RING_BITS = 20;

/** Length of a wire label or digit key (bytes). */
export const LABEL_BYTES = BLOCK_BYTES;

const WORD_BYTES = 4;

/** Bytes of the word that adjusts the decode tables of an element to the mask derived from its seed. */
export const CORRECTION_BYTES = WORD_BYTES;

/** Table of the Rescale gadget (bytes). */
export const RESCALE_BYTES = PAIR_ROW_BYTES + CORRECTION_BYTES;

/** Oblivious transfers of a square: of its Rescale, and of its product. */
export const SQUARE_TRANSFERS = 1 + PRODUCT_TRANSFERS;

export interface GadgetBytes {
  /** Oblivious transfers: labels of the evaluator's input, 16 bytes each. */
  readonly labels: number;
  /** Garbled tables, and corrections of products (bytes). */
  readonly tables: number;
  /** The part of both that the evaluator keeps (bytes). */
  readonly kept: { readonly labels: number; readonly tables: number };
  /** Labels or keys of the garbler's input (bytes). */
  readonly online: number;
  /** The evaluator's answer (bytes). */
  readonly reply: number;
}

/** Returns the cost of one element. Throws 'crypto/input' if the parameters are out of range. */
export function gadgetBytes(gadget: Gadget): GadgetBytes {
  checkGadget(gadget);
  if (gadget.kind === 'rescale')
    return withAllKept({ labels: 1, tables: RESCALE_BYTES, online: LABEL_BYTES });
  if (gadget.kind === 'square')
    return {
      labels: SQUARE_TRANSFERS,
      tables: RESCALE_BYTES + PRODUCT_BYTES,
      kept: { labels: LABEL_BYTES, tables: RESCALE_BYTES + WORD_BYTES },
      online: LABEL_BYTES + WORD_BYTES,
      reply: 2 * WORD_BYTES,
    };
  const { ringBits } = gadget;
  const digits = digitsOf(gadget);
  const digitRows = digits.filter(({ bits }) => bits === 2).length * DIGIT_ROW_BYTES;
  const gates = (ringBits - 1) * 2 * LABEL_BYTES;
  const decode = (ringBits - 1) * PAIR_ROW_BYTES;
  const tables = digitRows + gates + decode + CORRECTION_BYTES;
  return withAllKept({ labels: ringBits, tables, online: digits.length * LABEL_BYTES });
}

/** Returns the bytes of a circuit of which the evaluator keeps everything. */
export function withAllKept(bytes: Pick<GadgetBytes, 'labels' | 'tables' | 'online'>): GadgetBytes {
  const { labels, tables } = bytes;
  return { ...bytes, kept: { labels: LABEL_BYTES * labels, tables }, reply: WORD_BYTES };
}

/** A run of one or two bits of the garbler's input that has one online label. */
export interface Digit {
  /** Its lowest bit. */
  readonly bit: number;
  readonly bits: 1 | 2;
}

/** The digits of a ReLU's input; with two bits per digit and odd k the last one has a single bit. The others have one bit. */
export function digitsOf({ kind, ringBits, digitBits }: Gadget): Digit[] {
  if (kind !== 'relu') return [{ bit: 0, bits: 1 }];
  const digits: Digit[] = [];
  for (let bit = 0; bit < ringBits; bit += digitBits)
    digits.push({ bit, bits: digitBits === 2 && bit + 1 < ringBits ? 2 : 1 });
  return digits;
}

/** Whether an input of the garbler is a single bit, whose label needs Delta online. */
export function hasBitLabels(gadget: Gadget): boolean {
  return digitsOf(gadget).some(({ bits }) => bits === 1);
}

/** Returns Delta of `keys`. Throws 'internal' if it is missing from the bundle's record. */
export function deltaOf({ delta }: GarblerKeys): Uint8Array {
  if (!delta)
    throw new SphynxError('internal', 'this bundle was stored without Delta, which its labels need');
  return delta;
}

/** Throws 'crypto/input' unless elements first .. first + count can be a chunk: their indices are the hash's tweaks. */
export function checkChunk(first: number, count: number): void {
  if (!Number.isInteger(count) || count < 1 || count > GADGET_CHUNK)
    throw new SphynxError('crypto/input', `a chunk has 1 to ${GADGET_CHUNK} elements, not ${count}`);
  if (!Number.isInteger(first) || first < 0 || first + count > 2 ** 32)
    throw new SphynxError('crypto/input', `a chunk cannot begin at element ${first}`);
}

/** Throws 'crypto/input' unless `array` has the length that the chunk requires. */
export function checkLength(label: string, array: { length: number }, expected: number): void {
  if (array.length !== expected)
    throw new SphynxError('crypto/input', `${label}: expected a length of ${expected}, got ${array.length}`);
}

function checkGadget({ kind, ringBits, dropBits, shiftBits, digitBits }: Gadget): void {
  const width = kind === 'relu' ? ringBits : 2;
  const sound =
    Number.isInteger(width) && width >= 2 && width <= MAX_RING_BITS && (digitBits === 1 || digitBits === 2);
  if (!Number.isInteger(shiftBits) || shiftBits < 0 || shiftBits > (kind === 'square' ? 0 : 31))
    throw new SphynxError('crypto/input', `a ${kind} gadget cannot shift its result by ${shiftBits} bits`);
  if (!sound || !Number.isInteger(dropBits) || dropBits < 0 || width + dropBits > 32)
    throw new SphynxError(
      'crypto/input',
      `expected 2 <= k <= ${MAX_RING_BITS}, 0 <= f, k + f <= 32 and digits of 1 or 2 bits, got k = ${ringBits}, f = ${dropBits}, ${digitBits}`,
    );
}
