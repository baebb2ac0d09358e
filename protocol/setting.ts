/**
 * The trade between bytes offline and bytes online, chosen by the server for all its models and part of the plan:
 * with 'fast' a label of the server stands for two bits of its input, which takes a table of 48 bytes per bit
 * offline; with 'lean' every bit has a label of its own, twice as many online and no table.
 */
export type Setting = 'fast' | 'lean';

/** Bits of the garbler's input per online label. */
export const DIGIT_BITS = { fast: 2, lean: 1 } as const satisfies Record<Setting, 1 | 2>;

/** Whether a text from outside names a setting. */
export function isSetting(name: string): name is Setting {
  return Object.hasOwn(DIGIT_BITS, name);
}
