// Tables of four 32-bit words opened by two labels together, rows ordered by the labels' colour bits.

import { maskOfBit, sigma, tweak } from './block';

/**
 * Hash inputs s(x) xor s(s(y)) xor i of two labels. With `delta` not null: for the values (x, y) = 00, 01, 10,
 * 11, plane by plane of `count` blocks; else of the two labels as they are.
 */
export function pairInputs(x: usize, y: usize, delta: usize, out: usize, count: i32, first: u32): void {
  const plane = (<usize>count) << 4;
  const once = delta ? sigma(v128.load(delta)) : i64x2.splat(0);
  const twice = sigma(once);
  for (let e = 0; e < count; e++) {
    const at = out + ((<usize>e) << 4);
    const input = v128.xor(v128.xor(sigma(v128.load(x)), sigma(sigma(v128.load(y)))), tweak(first + e));
    v128.store(at, input);
    if (delta) {
      const other = v128.xor(input, once);
      v128.store(at + plane, v128.xor(input, twice));
      v128.store(at + 2 * plane, other);
      v128.store(at + 3 * plane, v128.xor(other, twice));
    }
    x += 16;
    y += 16;
  }
}

/**
 * rows[e] (12 bytes): the word of the values (x, y) is sigma + values[2x + y], encrypted by the first words of
 * H, inputs xor ciphers as `pairInputs` orders them, at row 2 * colour(x) + colour(y); row 0 is reduced away, which fixes sigma = its pad - its value. Takes
 * sigma off corrections[e]. x and y are zero labels.
 */
export function garblePair(
  x: usize,
  y: usize,
  inputs: usize,
  ciphers: usize,
  values: usize,
  rows: usize,
  corrections: usize,
  count: i32,
): void {
  const plane = (<usize>count) << 4;
  const words = v128.load(values);
  for (let e = 0; e < count; e++) {
    const hashed = v128.xor(firstWords(inputs, plane), firstWords(ciphers, plane));
    // Order by colour: what belongs to (x, y) goes to row (x xor colour(x), y xor colour(y)).
    const swapX = maskOfBit(v128.load(x), 0);
    const swapY = maskOfBit(v128.load(y), 0);
    const pads = ordered(hashed, swapX, swapY);
    const mine = ordered(words, swapX, swapY);
    const difference = i32x4.sub(pads, mine);
    const sigma = v128.shuffle<i32>(difference, difference, 0, 0, 0, 0);
    const row = v128.xor(pads, i32x4.add(mine, sigma));
    v128.store_lane<i64>(rows, v128.shuffle<i32>(row, row, 1, 2, 3, 3), 0);
    v128.store_lane<i32>(rows, row, 3, 8);
    store<i32>(corrections, load<i32>(corrections) - i32x4.extract_lane(sigma, 0));
    inputs += 16;
    ciphers += 16;
    x += 16;
    y += 16;
    rows += 12;
    corrections += 4;
  }
}

/** The first words of one block of each of four planes. */
// @ts-ignore: decorator
@inline
function firstWords(at: usize, plane: usize): v128 {
  let words = v128.load32_zero(at);
  words = v128.load_lane<i32>(at + plane, words, 1);
  words = v128.load_lane<i32>(at + 2 * plane, words, 2);
  return v128.load_lane<i32>(at + 3 * plane, words, 3);
}

/** Four words, of the values 00, 01, 10, 11, in the order of their colours. */
// @ts-ignore: decorator
@inline
function ordered(words: v128, swapX: v128, swapY: v128): v128 {
  words = v128.bitselect(v128.shuffle<i32>(words, words, 2, 3, 0, 1), words, swapX);
  return v128.bitselect(v128.shuffle<i32>(words, words, 1, 0, 3, 2), words, swapY);
}

/**
 * sums[e] += the word that the two labels open. inputs, ciphers: y and AES(y) of the two labels. Colours are public to
 * who holds labels.
 */
export function evaluatePair(
  x: usize,
  y: usize,
  inputs: usize,
  ciphers: usize,
  rows: usize,
  sums: usize,
  count: i32,
): void {
  for (let e = 0; e < count; e++) {
    const colour = ((load<u8>(x) & 1) << 1) | (load<u8>(y) & 1);
    const open = select<i32>(1, 0, colour > 0);
    const word = load<u32>(rows + ((<usize>(colour - open)) << 2)) & <u32>(0 - open);
    store<u32>(sums, load<u32>(sums) + (word ^ load<u32>(inputs) ^ load<u32>(ciphers)));
    x += 16;
    y += 16;
    inputs += 16;
    ciphers += 16;
    rows += 12;
    sums += 4;
  }
}
