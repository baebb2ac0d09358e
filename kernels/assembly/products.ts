// Oblivious products from correlated transfers: the corrections of one transfer, for all elements of a chunk.

import { sigma, tweak } from './block';

/**
 * Hash inputs s(w) xor i of labels. With `delta` not null also those of w xor delta, in a second plane of `count` blocks.
 */
export function transferInputs(labels: usize, delta: usize, out: usize, count: i32, first: u32): void {
  const plane = (<usize>count) << 4;
  const other = delta ? sigma(v128.load(delta)) : i64x2.splat(0);
  for (let e = 0; e < count; e++) {
    const input = v128.xor(sigma(v128.load(labels)), tweak(first + e));
    v128.store(out, input);
    if (delta) v128.store(out + plane, v128.xor(input, other));
    labels += 16;
    out += 16;
  }
}

/**
 * Sender: adds the 32 - j bits of correction j, H(w) - H(w xor delta) + factor, to the words at bit `low`, and H(w) 2^j to
 * the sums. inputs, ciphers: two planes each.
 */
export function offerCorrections(
  inputs: usize,
  ciphers: usize,
  factors: usize,
  words: usize,
  sums: usize,
  j: i32,
  low: i32,
  count: i32,
): void {
  const plane = (<usize>count) << 4;
  const bits = <u32>-1 >> j;
  for (let e = 0; e < count; e++) {
    const zero = load<u32>(inputs) ^ load<u32>(ciphers);
    const one = load<u32>(inputs + plane) ^ load<u32>(ciphers + plane);
    const correction = (zero - one + load<u32>(factors)) & bits;
    store<u32>(words, load<u32>(words) | (correction << low));
    store<u32>(sums, load<u32>(sums) + (zero << j));
    inputs += 16;
    ciphers += 16;
    factors += 4;
    words += 4;
    sums += 4;
  }
}

/**
 * Receiver: adds H(label) 2^j to the sums, and where bit j of the factor is set also correction j, which stands in the words
 * from bit `low` on. The bits above it in a word are shifted out. Without a branch.
 */
export function takeCorrections(
  inputs: usize,
  ciphers: usize,
  factors: usize,
  words: usize,
  sums: usize,
  j: i32,
  low: i32,
  count: i32,
): void {
  for (let e = 0; e < count; e++) {
    const hashed = load<u32>(inputs) ^ load<u32>(ciphers);
    const chosen = 0 - ((load<u32>(factors) >> j) & 1);
    const share = hashed + ((load<u32>(words) >> low) & chosen);
    store<u32>(sums, load<u32>(sums) + (share << j));
    inputs += 16;
    ciphers += 16;
    factors += 4;
    words += 4;
    sums += 4;
  }
}
