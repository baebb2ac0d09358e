// Passes over arrays of 128-bit blocks.

import { sigma, tweak } from './block';

/** out[e] = s(x[e]) xor (first + e): what AES is applied to in H_K(x, i). */
export function hashInputs(x: usize, out: usize, count: i32, first: u32): void {
  for (let e = 0; e < count; e++) {
    v128.store(out, v128.xor(sigma(v128.load(x)), tweak(first + e)));
    x += 16;
    out += 16;
  }
}

/** target[i] ^= source[i], blocks. */
export function xorBlocks(target: usize, source: usize, count: i32): void {
  const end = target + ((<usize>count) << 4);
  while (target < end) {
    v128.store(target, v128.xor(v128.load(target), v128.load(source)));
    target += 16;
    source += 16;
  }
}

/** target[i] ^= block, where bit `bit` of words[i] is set. */
export function xorWhere(target: usize, words: usize, bit: i32, block: usize, count: i32): void {
  const value = v128.load(block);
  for (let e = 0; e < count; e++) {
    const mask = i32x4.splat(0 - ((load<i32>(words) >> bit) & 1));
    v128.store(target, v128.xor(v128.load(target), v128.and(value, mask)));
    target += 16;
    words += 4;
  }
}

/** target[i] ^= block. */
export function xorEach(target: usize, block: usize, count: i32): void {
  const value = v128.load(block);
  for (let i = 0; i < count; i++) {
    v128.store(target, v128.xor(v128.load(target), value));
    target += 16;
  }
}

/** target[i] ^= source[i] where choices[i], a byte, is 1; unchanged where it is 0; without a branch. */
export function xorChosen(target: usize, choices: usize, source: usize, count: i32): void {
  for (let i = 0; i < count; i++) {
    const mask = i32x4.splat(0 - <i32>load<u8>(choices));
    v128.store(target, v128.xor(v128.load(target), v128.and(v128.load(source), mask)));
    target += 16;
    source += 16;
    choices++;
  }
}
