import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { GADGET_CHUNK, type Gadget, gadgetBytes } from '../../../crypto/garbling/gadget.ts';
import { bounds, expected, freshKeys, randomWords, relu, rescale, run, samples } from './gadget-run.ts';

function assertExact(gadget: Gadget, count: number, first = 0, keys = freshKeys()): void {
  const { x, b } = samples(gadget, count);
  const { a, output } = run(gadget, x, b, first, keys);
  assert.deepEqual(output, expected(gadget, x, a, b), JSON.stringify(gadget));
}

test('ReLU is exact up to its rounding for every k, every f and both digit widths, borders included', () => {
  for (let ringBits = 2; ringBits <= 20; ringBits++)
    for (let dropBits = 0; dropBits <= 20 && ringBits + dropBits <= 32; dropBits++)
      for (const digitBits of [1, 2] as const) assertExact(relu(ringBits, dropBits, digitBits), 60);
  assertExact(relu(2, 30), 60);
});

test('Rescale is exact up to its rounding for every f, borders included', () => {
  for (let dropBits = 0; dropBits <= 29; dropBits++) assertExact(rescale(dropBits), 100);
});

test('results of either gadget are shifted up mod 2^32', () => {
  for (const shiftBits of [1, 7, 20, 31])
    for (const gadget of [relu(12, 13), relu(9, 8, 1), rescale(12)])
      assertExact({ ...gadget, shiftBits }, 60);
});

test('shifts that are none, and a shift of squares, are refused', () => {
  const x = new Int32Array(1);
  for (const shiftBits of [-1, 32, 0.5, Number.NaN])
    assert.throws(() => run({ ...rescale(9), shiftBits }, x, new Uint32Array(1)), { code: 'crypto/input' });
  assert.throws(() => gadgetBytes({ ...rescale(9), kind: 'square', shiftBits: 1 }), { code: 'crypto/input' });
});

test('without dropped bits nothing is rounded', () => {
  const { x, b } = samples(relu(20, 0), 200);
  assert.deepEqual(
    run(relu(20, 0), x, b).output,
    x.map((value) => Math.max(0, value)),
  );
  const wide = samples(rescale(0), 200);
  assert.deepEqual(run(rescale(0), wide.x, wide.b).output, wide.x);
});

test('the chunks of a layer, whole ones and a rest, are each at their place', () => {
  const keys = freshKeys();
  for (const gadget of [relu(11, 8), rescale(9)])
    for (const [first, count] of [
      [0, GADGET_CHUNK],
      [GADGET_CHUNK, GADGET_CHUNK],
      [2 * GADGET_CHUNK, 3],
      [2 ** 32 - 1, 1],
    ])
      assertExact(gadget, count, first, keys);
});

test('any values in range, any shares, any place in the layer', () => {
  const gadgets = fc.oneof(
    fc
      .tuple(fc.integer({ min: 2, max: 20 }), fc.nat(20), fc.constantFrom(1 as const, 2 as const))
      .filter(([k, f]) => k + f <= 32)
      .map(([k, f, digitBits]) => relu(k, f, digitBits)),
    fc.nat(29).map(rescale),
  );
  const cases = gadgets.chain((gadget) => {
    const [min, max] = bounds(gadget);
    const element = fc.tuple(fc.integer({ min, max }), fc.integer({ min: 0, max: 2 ** 32 - 1 }));
    return fc.tuple(fc.constant(gadget), fc.array(element, { minLength: 1, maxLength: 30 }), fc.nat(2 ** 24));
  });
  fc.assert(
    fc.property(cases, ([gadget, elements, first]) => {
      const x = Int32Array.from(elements, ([value]) => value);
      const b = Uint32Array.from(elements, ([, share]) => share);
      const { a, output } = run(gadget, x, b, first);
      assert.deepEqual(output, expected(gadget, x, a, b));
    }),
    { numRuns: 100 },
  );
});

test('for any x at all, in range or not, the result is ReLU of the k-bit sum of the truncated shares', () => {
  const gadget = relu(9, 6);
  const b = randomWords(500);
  const x = new Int32Array(randomWords(500));
  const { a, output } = run(gadget, x, b);
  const sums = a.map((word, e) => (((word + 2 ** 6) >>> 6) + (b[e] >>> 6)) % 2 ** 9);
  assert.deepEqual(
    [...output],
    [...sums].map((sum) => (sum < 2 ** 8 ? sum : 0)),
  );
});

test('rounding is unbiased', () => {
  for (const gadget of [relu(12, 8), rescale(8)]) {
    let error = 0;
    let squares = 0;
    for (let part = 0; part < 8; part++) {
      const x = new Int32Array(GADGET_CHUNK).map((_, e) => 5000 + 17 * e + part);
      for (const [e, y] of run(gadget, x, randomWords(GADGET_CHUNK)).output.entries()) {
        error += y - x[e] / 256;
        squares += (y - x[e] / 256) ** 2;
      }
    }
    const count = 8 * GADGET_CHUNK;
    // P(carry) = 1 - (x_low + 1) / 2^f leaves a mean of 2^-f; eight standard deviations around it.
    const deviation = Math.abs(error / count - 2 ** -8);
    assert.ok(deviation < 8 * Math.sqrt(squares / count / count), `${gadget.kind}: ${deviation}`);
  }
});
