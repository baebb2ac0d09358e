/**
 * How the labels of the server's inputs encode bits, chosen by the server for all its models (its option `setting`) and
 * part of the plan. It trades bytes offline for bytes online: with 'fast' a label stands for two bits, which takes a
 * table of 48 bytes per bit offline; with 'lean' every bit has its own label, which takes twice as many online and no
 * table.
 */
export type LabelEncoding = 'fast' | 'lean';

/** Bits of the garbler's input per online label. */
export const DIGIT_BITS = { fast: 2, lean: 1 } as const satisfies Record<LabelEncoding, 1 | 2>;

/** Returns whether a text from outside names an encoding. */
export function isLabelEncoding(name: string): name is LabelEncoding {
  return Object.hasOwn(DIGIT_BITS, name);
}
