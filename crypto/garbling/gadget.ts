import { SphynxError } from '../../errors/sphynx-error.ts';
import { BLOCK_BYTES } from '../../kernels/blocks.ts';
import { PAIR_ROW_BYTES } from '../../kernels/decode-tables.ts';
import { DIGIT_ROW_BYTES } from '../../kernels/digit-tables.ts';

/**
 * A nonlinear function on shares, garbled per element (protocol.md section 3). For x = a + b mod 2^32, signed:
 *
 * - 'relu': ReLU of x / 2^f, rounded stochastically, exact while |x / 2^f| < 2^(k-1);
 * - 'rescale': x / 2^f alone, rounded stochastically, exact while |x| < 2^30 - 2^f.
 */
export interface Gadget {
  readonly kind: 'relu' | 'rescale';
  /** k: width of the adder, 2..20; no meaning for 'rescale'. */
  readonly ringBits: number;
  /** f: low bits that are dropped; k + f <= 32. */
  readonly dropBits: number;
  /** Bits of the garbler's input per online label. */
  readonly digitBits: 1 | 2;
}

/** Elements that are garbled or evaluated in one go: the arrays of a gate position stay in the processor's cache. */
export const GADGET_CHUNK = 2048;

/** Length of a wire label or digit key (bytes). */
export const LABEL_BYTES = BLOCK_BYTES;

export interface GadgetBytes {
  /** Oblivious transfers: labels of the evaluator's input, 16 bytes each. */
  readonly labels: number;
  /** Garbled tables (bytes). */
  readonly tables: number;
  /** Labels or keys of the garbler's input (bytes). */
  readonly online: number;
}

/** What one element costs. */
export function gadgetBytes(gadget: Gadget): GadgetBytes {
  if (gadget.kind === 'rescale') return { labels: 1, tables: PAIR_ROW_BYTES, online: LABEL_BYTES };
  const { ringBits } = gadget;
  const digits = digitsOf(gadget);
  const digitRows = digits.filter(({ bits }) => bits === 2).length * DIGIT_ROW_BYTES;
  const gates = (ringBits - 1) * 2 * LABEL_BYTES;
  const decode = (ringBits - 1) * PAIR_ROW_BYTES;
  return { labels: ringBits, tables: digitRows + gates + decode, online: digits.length * LABEL_BYTES };
}

/** A run of one or two bits of the garbler's input that has one online label. */
export interface Digit {
  /** Its lowest bit. */
  readonly bit: number;
  readonly bits: 1 | 2;
}

/** The digits of a ReLU's input; with two bits per digit and odd k the last one has a single bit. */
export function digitsOf({ ringBits, digitBits }: Gadget): Digit[] {
  const digits: Digit[] = [];
  for (let bit = 0; bit < ringBits; bit += digitBits)
    digits.push({ bit, bits: digitBits === 2 && bit + 1 < ringBits ? 2 : 1 });
  return digits;
}

/** Throws 'crypto/input' unless `array` has the length that the chunk asks for and the chunk is not too large. */
export function checkChunk(label: string, array: { length: number }, expected: number, count: number): void {
  if (count < 1 || count > GADGET_CHUNK)
    throw new SphynxError('crypto/input', `a chunk has 1 to ${GADGET_CHUNK} elements, not ${count}`);
  if (array.length !== expected)
    throw new SphynxError('crypto/input', `${label}: expected a length of ${expected}, got ${array.length}`);
}
