// One full-adder position for a chunk of elements: c' = c xor ((a xor c) and (b xor c)), sum = a xor b xor c.
// Half gates (Zahur, Rosulek, Evans 2015, figure 2) with free XOR; hashes arrive as y and AES(y).

import { maskOfBit, sigma, tweak } from './block';

/**
 * left = a xor c, right = b xor c, sum = a xor b xor c, and the hash inputs of left and right. With `delta` not
 * null also those of left xor delta and right xor delta, `count` blocks further on (s is linear).
 */
export function adderInputs(
  a: usize,
  b: usize,
  c: usize,
  delta: usize,
  left: usize,
  right: usize,
  sum: usize,
  leftInputs: usize,
  rightInputs: usize,
  count: i32,
  first: u32,
): void {
  const second = (<usize>count) << 4;
  const step = delta ? sigma(v128.load(delta)) : i64x2.splat(0);
  for (let e = 0; e < count; e++) {
    const at = (<usize>e) << 4;
    const carry = v128.load(c + at);
    const other = v128.load(b + at);
    const l = v128.xor(v128.load(a + at), carry);
    const r = v128.xor(other, carry);
    v128.store(left + at, l);
    v128.store(right + at, r);
    v128.store(sum + at, v128.xor(l, other));
    const index = tweak(first + e);
    const y = v128.xor(sigma(l), index);
    const z = v128.xor(sigma(r), index);
    v128.store(leftInputs + at, y);
    v128.store(rightInputs + at, z);
    if (delta) {
      v128.store(leftInputs + at + second, v128.xor(y, step));
      v128.store(rightInputs + at + second, v128.xor(z, step));
    }
  }
}

/** Garbles left AND right: writes both half gates' ciphertexts and adds the output's zero label to c. */
export function garbleAnd(
  left: usize,
  right: usize,
  delta: usize,
  leftInputs: usize,
  leftCiphers: usize,
  rightInputs: usize,
  rightCiphers: usize,
  generatorRows: usize,
  evaluatorRows: usize,
  c: usize,
  count: i32,
): void {
  const second = (<usize>count) << 4;
  const offset = v128.load(delta);
  for (let e = 0; e < count; e++) {
    const at = (<usize>e) << 4;
    const l = v128.load(left + at);
    const leftColour = maskOfBit(l, 0);
    const rightColour = maskOfBit(v128.load(right + at), 0);
    const g0 = v128.xor(v128.load(leftInputs + at), v128.load(leftCiphers + at));
    const g1 = v128.xor(v128.load(leftInputs + at + second), v128.load(leftCiphers + at + second));
    const e0 = v128.xor(v128.load(rightInputs + at), v128.load(rightCiphers + at));
    const e1 = v128.xor(v128.load(rightInputs + at + second), v128.load(rightCiphers + at + second));
    const generator = v128.xor(v128.xor(g0, g1), v128.and(rightColour, offset));
    const evaluator = v128.xor(v128.xor(e0, e1), l);
    const output = v128.xor(
      v128.xor(g0, v128.and(leftColour, generator)),
      v128.xor(e0, v128.and(rightColour, v128.xor(evaluator, l))),
    );
    v128.store(generatorRows + at, generator);
    v128.store(evaluatorRows + at, evaluator);
    v128.store(c + at, v128.xor(v128.load(c + at), output));
  }
}

/** Evaluates left AND right and adds the output's label to c. */
export function evaluateAnd(
  left: usize,
  right: usize,
  leftInputs: usize,
  leftCiphers: usize,
  rightInputs: usize,
  rightCiphers: usize,
  generatorRows: usize,
  evaluatorRows: usize,
  c: usize,
  count: i32,
): void {
  for (let e = 0; e < count; e++) {
    const at = (<usize>e) << 4;
    const l = v128.load(left + at);
    const g = v128.xor(v128.load(leftInputs + at), v128.load(leftCiphers + at));
    const h = v128.xor(v128.load(rightInputs + at), v128.load(rightCiphers + at));
    const generator = v128.and(maskOfBit(l, 0), v128.load(generatorRows + at));
    const evaluator = v128.and(
      maskOfBit(v128.load(right + at), 0),
      v128.xor(v128.load(evaluatorRows + at), l),
    );
    const output = v128.xor(v128.xor(g, generator), v128.xor(h, evaluator));
    v128.store(c + at, v128.xor(v128.load(c + at), output));
  }
}
