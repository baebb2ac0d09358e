// AES-128 (FIPS 197) in constant time, eight blocks at once, bitsliced: no branch and no address depends on key or data.
// Eight blocks become eight planes (Kaesper, Schwabe, CHES 2009): bit b of lane j of plane i is bit i of byte j of
// block b. The S-box does not add its constant 0x63; ShiftRows and MixColumns preserve it, so the round keys contain it.

import { substitute } from './aes-sbox';

const ROUNDS: usize = 10;

/** Planes of one state or round key, in bytes; also eight blocks. */
const PLANES: usize = 128;

const state = memory.data(128, 16);
const keys = memory.data(1408, 16);
const padded = memory.data(128, 16);

/** Exchanges the bits of a under mask << shift with those of b under mask; on planes at p and q. */
// @ts-ignore: decorator
@inline
function exchange(p: usize, q: usize, mask: v128, shift: i32): void {
  const a = v128.load(p);
  const b = v128.load(q);
  const difference = v128.and(v128.xor(i64x2.shr_u(a, shift), b), mask);
  v128.store(q, v128.xor(b, difference));
  v128.store(p, v128.xor(a, i64x2.shl(difference, shift)));
}

/** Turns the eight blocks in `state` into planes, and planes into blocks. */
function transposeState(): void {
  const fours = i8x16.splat(0x0f);
  const twos = i8x16.splat(0x33);
  const ones = i8x16.splat(0x55);
  for (let p = state; p < state + 64; p += 16) exchange(p, p + 64, fours, 4);
  for (let p = state; p < state + PLANES; p += 64) {
    exchange(p, p + 32, twos, 2);
    exchange(p + 16, p + 48, twos, 2);
  }
  for (let p = state; p < state + PLANES; p += 32) exchange(p, p + 16, ones, 1);
}

// @ts-ignore: decorator
@inline
function shiftRows(x: v128): v128 {
  return i8x16.shuffle(x, x, 0, 5, 10, 15, 4, 9, 14, 3, 8, 13, 2, 7, 12, 1, 6, 11);
}

/** ShiftRows, then every column turned up by one byte. */
// @ts-ignore: decorator
@inline
function shiftRowsUp(x: v128): v128 {
  return i8x16.shuffle(x, x, 5, 10, 15, 0, 9, 14, 3, 4, 13, 2, 7, 8, 1, 6, 11, 12);
}

/** Every column turned by two bytes. */
// @ts-ignore: decorator
@inline
function turnTwo(x: v128): v128 {
  return i8x16.shuffle(x, x, 2, 3, 0, 1, 6, 7, 4, 5, 10, 11, 8, 9, 14, 15, 12, 13);
}

/**
 * ShiftRows, MixColumns and the round key. With u = a turned up by one byte and t = a xor u, the mixed column is
 * 2 t xor u xor (t turned by two), and 2 t takes every plane from the one below, the reduction from the top plane.
 */
function mix(key: usize): void {
  const top = v128.load(state, 112);
  const reduction = v128.xor(shiftRows(top), shiftRowsUp(top));
  let below = reduction;
  for (let i: usize = 0; i < 8; i++) {
    const plane = state + (i << 4);
    const x = v128.load(plane);
    const up = shiftRowsUp(x);
    const t = v128.xor(shiftRows(x), up);
    let doubled = below;
    if (i == 1 || i == 3 || i == 4) doubled = v128.xor(doubled, reduction);
    const mixed = v128.xor(v128.xor(doubled, up), turnTwo(t));
    v128.store(plane, v128.xor(mixed, v128.load(key + (i << 4))));
    below = t;
  }
}

function addKey(key: usize): void {
  for (let at: usize = 0; at < PLANES; at += 16)
    v128.store(state + at, v128.xor(v128.load(state + at), v128.load(key + at)));
}

/** Encrypts the eight blocks at `input` to `output`, which may be the same, under the key in `keys`. */
function encryptEight(input: usize, output: usize): void {
  memory.copy(state, input, PLANES);
  transposeState();
  addKey(keys);
  for (let round: usize = 1; round < ROUNDS; round++) {
    substitute(state);
    mix(keys + round * PLANES);
  }
  substitute(state);
  for (let p = state; p < state + PLANES; p += 16) v128.store(p, shiftRows(v128.load(p)));
  addKey(keys + ROUNDS * PLANES);
  transposeState();
  memory.copy(output, state, PLANES);
}

/** Spreads a schedule to planes in `keys`: every block of a batch has the same key. */
function spread(schedule: usize): void {
  for (let round: usize = 0; round <= ROUNDS; round++) {
    const key = v128.load(schedule + (round << 4));
    for (let i: usize = 0; i < 8; i++) {
      const bit = i8x16.shl(i8x16.splat(1), <i32>i);
      v128.store(keys + round * PLANES + (i << 4), i8x16.eq(v128.and(key, bit), bit));
    }
  }
}

/** SubWord of the key schedule. */
function substituteWord(word: u32): u32 {
  memory.fill(state, 0, PLANES);
  store<u32>(state, word);
  transposeState();
  substitute(state);
  transposeState();
  return load<u32>(state) ^ 0x63636363;
}

/** Writes the round keys of a key [16 bytes] to `schedule` [176 bytes], the S-box's constant added from the second on. */
export function aesSchedule(key: usize, schedule: usize): void {
  v128.store(schedule, v128.load(key));
  let constant: u32 = 1;
  for (let at = schedule + 16; at < schedule + 176; at += 16) {
    let word = substituteWord(rotr<u32>(load<u32>(at - 4), 8)) ^ constant;
    for (let i: usize = 0; i < 16; i += 4) {
      word ^= load<u32>(at - 16 + i);
      store<u32>(at + i, word);
    }
    constant = (constant << 1) ^ ((constant >> 7) * 0x11b);
  }
  const added = i8x16.splat(0x63);
  for (let at = schedule + 16; at < schedule + 176; at += 16) v128.store(at, v128.xor(v128.load(at), added));
}

/** AES of `count` blocks; `output` may be `input`. */
export function aesEncrypt(schedule: usize, input: usize, output: usize, count: i32): void {
  spread(schedule);
  while (count >= 8) {
    encryptEight(input, output);
    input += PLANES;
    output += PLANES;
    count -= 8;
  }
  if (count > 0) {
    memory.copy(padded, input, <usize>count << 4);
    encryptEight(padded, padded);
    memory.copy(output, padded, <usize>count << 4);
  }
}

/** AES of the next `count` values of the counter [16 bytes, big-endian] at `counter`, which is advanced by `count`, modulo 2^128. */
export function aesCounter(schedule: usize, counter: usize, output: usize, count: i32): void {
  let high = bswap<u64>(load<u64>(counter));
  let low = bswap<u64>(load<u64>(counter, 8));
  for (let i = 0; i < count; i++) {
    const at = output + (<usize>i << 4);
    store<u64>(at, bswap<u64>(high));
    store<u64>(at, bswap<u64>(low), 8);
    low++;
    if (low == 0) high++;
  }
  store<u64>(counter, bswap<u64>(high));
  store<u64>(counter, bswap<u64>(low), 8);
  aesEncrypt(schedule, output, output, count);
}

/** Overwrites the state and round keys that the last encryption has left in this file's own memory. */
export function aesForget(): void {
  memory.fill(state, 0, PLANES);
  memory.fill(keys, 0, PLANES * (ROUNDS + 1));
  memory.fill(padded, 0, PLANES);
}
