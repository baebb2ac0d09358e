import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { groupsAtOnce } from '../../kernels/channel-groups.ts';
import { convolve, convolveFloat } from '../../kernels/convolution.ts';
import type { Convolution } from '../../kernels/convolution-shape.ts';
import { convolveReference } from './convolution-reference.ts';

const shapes: fc.Arbitrary<Convolution> = fc
  .record({
    channelsIn: fc.integer({ min: 1, max: 7 }),
    height: fc.integer({ min: 1, max: 13 }),
    width: fc.integer({ min: 1, max: 13 }),
    channelsOut: fc.integer({ min: 1, max: 11 }),
    kernelHeight: fc.integer({ min: 1, max: 7 }),
    kernelWidth: fc.integer({ min: 1, max: 7 }),
    strideY: fc.integer({ min: 1, max: 4 }),
    strideX: fc.integer({ min: 1, max: 4 }),
    padTop: fc.integer({ min: 0, max: 6 }),
    padLeft: fc.integer({ min: 0, max: 6 }),
    outHeight: fc.integer({ min: 1, max: 9 }),
    outWidth: fc.integer({ min: 1, max: 9 }),
    groups: fc.constantFrom(1, 1, 2, 5),
  })
  // The channels drawn are those of one group.
  .map((s) => ({ ...s, channelsIn: s.groups * s.channelsIn, channelsOut: s.groups * s.channelsOut }))
  .filter((s) => (s.outHeight - 1) * s.strideY < s.height + s.padTop)
  .filter((s) => (s.outWidth - 1) * s.strideX < s.width + s.padLeft);

function words(length: number): fc.Arbitrary<Int32Array> {
  return fc.int32Array({ minLength: length, maxLength: length });
}

const cases = shapes.chain((shape) =>
  fc.record({
    shape: fc.constant(shape),
    input: words(shape.channelsIn * shape.height * shape.width),
    weights: words(
      (shape.channelsOut * shape.channelsIn * shape.kernelHeight * shape.kernelWidth) / shape.groups,
    ),
  }),
);

test('convolution mod 2^32 equals the plain loops for any size, strides, padding and groups', () => {
  fc.assert(
    fc.property(cases, ({ shape, input, weights }) => {
      assert.deepEqual(convolve(shape, input, weights), convolveReference(shape, input, weights));
    }),
    { numRuns: 150 },
  );
});

test('many small groups are computed some at a time', () => {
  const map = { height: 40, width: 40, outHeight: 40, outWidth: 40, padTop: 1, padLeft: 1 };
  const window = { kernelHeight: 3, kernelWidth: 3, strideY: 1, strideX: 1 };
  const shape: Convolution = { channelsIn: 12, channelsOut: 24, groups: 12, ...map, ...window };
  const atOnce = groupsAtOnce(shape);
  assert.ok(atOnce > 1 && atOnce < 12, `${atOnce}`);
  const input = Int32Array.from({ length: 12 * 1600 }, (_, i) => Math.imul(i + 1, 2654435761));
  const weights = Int32Array.from({ length: 24 * 9 }, (_, i) => Math.imul(i + 7, 40503));
  assert.deepEqual(convolve(shape, input, weights), convolveReference(shape, input, weights));
});

test('a deep convolution is summed over several panels of taps', () => {
  const shape: Convolution = {
    channelsIn: 70,
    height: 8,
    width: 8,
    channelsOut: 5,
    kernelHeight: 9,
    kernelWidth: 9,
    strideY: 1,
    strideX: 1,
    padTop: 4,
    padLeft: 4,
    outHeight: 8,
    outWidth: 8,
    groups: 1,
  };
  const input = Int32Array.from({ length: 70 * 64 }, (_, i) => Math.imul(i + 1, 2654435761));
  const weights = Int32Array.from({ length: 5 * 70 * 81 }, (_, i) => Math.imul(i + 7, 40503) >> 3);
  assert.deepEqual(convolve(shape, input, weights), convolveReference(shape, input, weights));
});

test('a fully connected map is a 1x1 convolution on a 1x1 map, and wide ones run in blocks of outputs', () => {
  const shape: Convolution = {
    channelsIn: 3_000_000,
    height: 1,
    width: 1,
    channelsOut: 6,
    kernelHeight: 1,
    kernelWidth: 1,
    strideY: 1,
    strideX: 1,
    padTop: 0,
    padLeft: 0,
    outHeight: 1,
    outWidth: 1,
    groups: 1,
  };
  const input = new Int32Array(3_000_000).fill(-3);
  const weights = new Int32Array(6 * input.length);
  for (let o = 0; o < 6; o++) weights.fill(o + 1, o * input.length, (o + 1) * input.length);
  const expected = Uint32Array.from([1, 2, 3, 4, 5, 6], (w) => -9_000_000 * w);
  assert.deepEqual(convolve(shape, input, weights), expected);
});

test('single precision agrees with the integers where both are exact', () => {
  fc.assert(
    fc.property(cases, ({ shape, input, weights }) => {
      const [x, w] = [input.map((v) => v >> 24), weights.map((v) => v >> 24)];
      const expected = Float32Array.from(new Int32Array(convolveReference(shape, x, w).buffer));
      const got = convolveFloat(shape, Float32Array.from(x), Float32Array.from(w));
      assert.ok(got.every((value, i) => value === expected[i]));
    }),
    { numRuns: 50 },
  );
});

test('an array that does not fit the geometry is refused', () => {
  fc.assert(
    fc.property(cases, ({ shape, input, weights }) => {
      const refusal = { code: 'protocol/length' };
      assert.throws(() => convolve(shape, new Int32Array(input.length + 1), weights), refusal);
      assert.throws(() => convolve(shape, input, weights.subarray(1)), refusal);
    }),
    { numRuns: 5 },
  );
});
