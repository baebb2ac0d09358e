// Two input bits of the garbler per online label. The key of colour c (0..3) of element e is AES(4e + c) with
// its low two bits set to c; under it stand the wire labels of the digit value c xor permutation(e).

import { maskOfBit, sigma, tweak } from './block';

/** Counter blocks 4 (first + e) + colour of all four colours, colour-major: out holds 4 * count blocks. */
export function allKeyCounters(out: usize, count: i32, first: u32): void {
  for (let colour = 0; colour < 4; colour++)
    for (let e = 0; e < count; e++) {
      v128.store(out, i64x2.replace_lane(i64x2.splat(0), 0, ((<i64>(first + e)) << 2) | colour));
      out += 16;
    }
}

/**
 * Counter blocks of the keys that are sent: colour = digit xor permutation, where digit = (words[e] >> shift)
 * & 3 and permutation = bits 2 * digitIndex.. of the element's permutation block.
 */
export function sentKeyCounters(
  words: usize,
  shift: i32,
  permutations: usize,
  digitIndex: i32,
  out: usize,
  count: i32,
  first: u32,
): void {
  for (let e = 0; e < count; e++) {
    const permutation = load<u32>(permutations + ((<usize>e) << 4)) >> (2 * digitIndex);
    const colour = ((load<u32>(words + ((<usize>e) << 2)) >> shift) ^ permutation) & 3;
    v128.store(out, i64x2.replace_lane(i64x2.splat(0), 0, ((<i64>(first + e)) << 2) | <i64>colour));
    out += 16;
  }
}

/** Sets the low two bits of each key to those of its counter. */
export function colourSentKeys(keys: usize, counters: usize, count: i32): void {
  for (let e = 0; e < count; e++) {
    store<u8>(keys, (load<u8>(keys) & 0xfc) | (load<u8>(counters) & 3));
    keys += 16;
    counters += 16;
  }
}

/** Hash inputs of all four keys with their colours in the low two bits; the tweak is the element, the same for each. */
export function allKeyInputs(keys: usize, out: usize, count: i32, first: u32): void {
  for (let colour = 0; colour < 4; colour++)
    for (let e = 0; e < count; e++) {
      const key = v128.or(v128.and(v128.load(keys), i64x2(~3, -1)), i64x2(colour, 0));
      v128.store(out, v128.xor(sigma(key), tweak(first + e)));
      keys += 16;
      out += 16;
    }
}

/**
 * Rows of colours 1..3 (96 bytes per element) and the zero labels of the digit's two wires. ciphers0 and ciphers1: AES
 * of the four keys' hash inputs, for either wire; H is their sum with the input. The row of colour 0 is reduced away:
 * its hashes are the labels.
 */
export function garbleDigit(
  inputs: usize,
  ciphers0: usize,
  ciphers1: usize,
  permutations: usize,
  digitIndex: i32,
  delta: usize,
  rows: usize,
  zero0: usize,
  zero1: usize,
  count: i32,
): void {
  const offset = v128.load(delta);
  const plane = (<usize>count) << 4;
  for (let e = 0; e < count; e++) {
    const at = (<usize>e) << 4;
    const permutation = v128.load(permutations + at);
    const low = v128.and(offset, maskOfBit(permutation, 2 * digitIndex));
    const high = v128.and(offset, maskOfBit(permutation, 2 * digitIndex + 1));
    const input = v128.load(inputs + at);
    const label0 = v128.xor(input, v128.load(ciphers0 + at));
    const label1 = v128.xor(input, v128.load(ciphers1 + at));
    v128.store(zero0 + at, v128.xor(label0, low));
    v128.store(zero1 + at, v128.xor(label1, high));
    // Colour c stands for the value c xor permutation, so its labels differ from colour 0's by delta per set bit of c.
    const row = rows + <usize>e * 96;
    const base0 = v128.xor(label0, offset);
    const base1 = v128.xor(label1, offset);
    storeRow(row, inputs, ciphers0, ciphers1, at + plane, base0, label1);
    storeRow(row + 32, inputs, ciphers0, ciphers1, at + 2 * plane, label0, base1);
    storeRow(row + 64, inputs, ciphers0, ciphers1, at + 3 * plane, base0, base1);
  }
}

/** Two labels under the hashes at `at`. */
// @ts-ignore: decorator
@inline
function storeRow(
  row: usize,
  inputs: usize,
  ciphers0: usize,
  ciphers1: usize,
  at: usize,
  label0: v128,
  label1: v128,
): void {
  const input = v128.load(inputs + at);
  v128.store(row, v128.xor(v128.xor(input, v128.load(ciphers0 + at)), label0));
  v128.store(row, v128.xor(v128.xor(input, v128.load(ciphers1 + at)), label1), 16);
}

/** Opens the row of each key's colour: ciphers0 and ciphers1, of its input, become the labels of the digit's two wires. */
export function evaluateDigit(
  keys: usize,
  inputs: usize,
  ciphers0: usize,
  ciphers1: usize,
  rows: usize,
  count: i32,
): void {
  for (let e = 0; e < count; e++) {
    const colour = load<u8>(keys) & 3;
    const row = rows + <usize>(colour - select<i32>(1, 0, colour > 0)) * 32;
    const open = i32x4.splat(0 - select<i32>(1, 0, colour > 0));
    const input = v128.load(inputs);
    v128.store(ciphers0, v128.xor(v128.xor(v128.load(ciphers0), input), v128.and(open, v128.load(row))));
    v128.store(ciphers1, v128.xor(v128.xor(v128.load(ciphers1), input), v128.and(open, v128.load(row, 16))));
    keys += 16;
    inputs += 16;
    ciphers0 += 16;
    ciphers1 += 16;
    rows += 96;
  }
}
