import { kernels } from './load.ts';

/**
 * Tables that turn one key per two-bit digit into the labels of its two wires. The key of colour c (0..3) of
 * element e carries c in its low two bits and stands for the digit value c xor permutation. `permutations`
 * holds one random block per element, of which digit d uses bits 2d and 2d + 1. All arrays in kernel memory.
 */

/** Bytes of table per element: three rows of two labels; the fourth is reduced away. */
export const DIGIT_ROW_BYTES = 96;

const at = (view: ArrayBufferView) => kernels().memory.address(view);

/** Counter blocks of all four keys, colour-major [4 * count blocks]. */
export function allKeyCounters(out: Uint8Array, count: number, first: number): void {
  kernels().call.allKeyCounters(at(out), count, first);
}

/** Hash inputs y of all four keys with their colours in the low two bits [4 * count blocks]. H = y xor AES(y). */
export function allKeyInputs(keys: Uint8Array, out: Uint8Array, count: number, first: number): void {
  kernels().call.allKeyInputs(at(keys), at(out), count, first);
}

/** Counter blocks of the keys of the digits (words[e] >> shift) & 3. */
export function sentKeyCounters(
  words: Uint32Array,
  shift: number,
  permutations: Uint8Array,
  digit: number,
  out: Uint8Array,
  first: number,
): void {
  kernels().call.sentKeyCounters(at(words), shift, at(permutations), digit, at(out), words.length, first);
}

/** Writes the colour of each counter into the low two bits of its key. */
export function colourSentKeys(keys: Uint8Array, counters: Uint8Array, count: number): void {
  kernels().call.colourSentKeys(at(keys), at(counters), count);
}

/** Writes the rows [96 bytes per element] and the zero labels of both wires, from y and AES(y) of all four keys. */
export function garbleDigit(
  inputs: Uint8Array,
  ciphers: readonly [Uint8Array, Uint8Array],
  permutations: Uint8Array,
  digit: number,
  delta: Uint8Array,
  rows: Uint8Array,
  zeroLabels: readonly [Uint8Array, Uint8Array],
  count: number,
): void {
  kernels().call.garbleDigit(
    ...[at(inputs), at(ciphers[0]), at(ciphers[1]), at(permutations), digit, at(delta)],
    ...[at(rows), at(zeroLabels[0]), at(zeroLabels[1]), count],
  );
}

/** Opens one row per key: `ciphers`, AES of its input, become the labels of the digit's two wires. */
export function evaluateDigit(
  keys: Uint8Array,
  inputs: Uint8Array,
  ciphers: readonly [Uint8Array, Uint8Array],
  rows: Uint8Array,
  count: number,
): void {
  kernels().call.evaluateDigit(at(keys), at(inputs), at(ciphers[0]), at(ciphers[1]), at(rows), count);
}
