import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { prepareInput } from '../../client/input.ts';
import { answerInWords, inputInWords } from '../../client/input-words.ts';
import { randomNetwork } from '../../fixtures/random-network.ts';
import type { ModelCard } from '../../model/card.ts';

const input = { channels: 2, height: 1, width: 3 };
const [{ card: plain }] = [
  randomNetwork(
    'signal',
    input,
    [
      {
        name: 'logits',
        output: { channels: 2, height: 1, width: 1 },
        terms: [
          {
            tensor: 0,
            pool: 'none',
            kernelHeight: 1,
            kernelWidth: 3,
            strideY: 1,
            strideX: 1,
            padTop: 0,
            padLeft: 0,
            groups: 1,
          },
        ],
      },
    ],
    1,
    {},
  ),
];
const card: ModelCard = {
  ...plain,
  preprocessing: { width: 3, height: 1, mean: [1, -2], std: [2, 0.5], scaleBits: [4, -1], limit: 100 },
};

test('numbers are normalised and scaled by their channel, from any typed array or list', async () => {
  const values = [1, 3, 5, -2, -1, 0];
  const integers = Int32Array.of(0, 16, 32, 0, 1, 2);
  for (const given of [
    values,
    Float32Array.from(values),
    Float64Array.from(values),
    Int8Array.from(values),
    Int16Array.from(values),
    Int32Array.from(values),
  ])
    assert.deepEqual(await prepareInput(given, card), integers);
  const bytes = {
    ...card,
    preprocessing: { ...card.preprocessing, mean: [0, 0], std: [1, 1], scaleBits: [0, 0] },
  };
  assert.deepEqual(
    await prepareInput(Uint8Array.of(1, 2, 3, 4, 5, 6), bytes),
    Int32Array.of(1, 2, 3, 4, 5, 6),
  );
});

test('every number within the limit is held to half a unit of its scale', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.double({ min: -11, max: 13, noNaN: true }), { minLength: 3, maxLength: 3 }),
      async (first) => {
        const integers = await prepareInput([...first, -2, -2, -2], card);
        for (const [i, value] of first.entries())
          assert.ok(Math.abs(integers[i] / 16 - (value - 1) / 2) <= 1 / 32);
      },
    ),
    { numRuns: 50 },
  );
});

const WRONG: [string, unknown, RegExp][] = [
  ['too few numbers', [1, 2], /takes 2 channels of 3 samples: expected 6 numbers, got 2/],
  ['too many numbers', new Float32Array(7), /expected 6 numbers, got 7/],
  ['NaN', [0, 0, 0, 0, Number.NaN, 0], /number 5 of 6 is NaN/],
  ['infinity', [0, 0, Number.NEGATIVE_INFINITY, 0, 0, 0], /number 3 of 6 is not a finite number/],
  ['text', ['1', '2', '3', '4', '5', '6'], /number 1 of 6 is not a finite number/],
  ['a hole', [1, undefined, 3, 4, 5, 6], /number 2 of 6/],
  ['a number above the range', [0, 0, 0, 0, 0, 1e5], /number 6 is outside.*-102 to 98\.0 there/],
  ['a number below the range', [-1e5, 0, 0, 0, 0, 0], /number 1 is outside.*-11\.5 to 13\.5 there/],
  ['large integers', new BigInt64Array(6), /give them as a typed array/],
  ['a path', 'photo.jpg', /the model signal takes 2 channels of 3 samples; give them as a typed array/],
  ['pixels', { width: 1, height: 1, data: new Uint8Array(3) }, /takes 2 channels of 3 samples/],
  ['nothing', undefined, /takes 2 channels of 3 samples/],
];
for (const [what, given, message] of WRONG)
  test(`${what} for a model of numbers is refused without telling the numbers`, async () => {
    await assert.rejects(prepareInput(given as never, card), (error: Error & { code: string }) => {
      assert.equal(error.code, 'input/invalid');
      assert.match(error.message, message);
      assert.doesNotMatch(error.message, /1e5|100000/);
      return true;
    });
  });

test('numbers for a model of pictures are refused', async () => {
  const picture = {
    ...plain,
    inputKind: 'picture' as const,
    input: { channels: 3, height: 1, width: 2 },
  };
  await assert.rejects(prepareInput(new Float32Array(6), picture), {
    code: 'input/invalid',
    message: /takes a colour picture of 2x1 pixels; numbers were given: give a picture as a path/,
  });
});

test('what a model takes and answers is said in words', () => {
  const shape = { channels: 3, height: 28, width: 30 };
  assert.equal(inputInWords('picture', shape), 'a colour picture of 30x28 pixels');
  assert.equal(inputInWords('picture', { ...shape, channels: 1 }), 'a grey picture of 30x28 pixels');
  assert.equal(inputInWords('vector', { channels: 30, height: 1, width: 1 }), '30 numbers');
  assert.equal(inputInWords('signal', { channels: 1, height: 1, width: 128 }), '1 channel of 128 samples');
  assert.equal(inputInWords('signal', { ...shape, channels: 4 }), '4 channels of 28x30 samples');
  assert.equal(answerInWords('softmax', 10), 'one of 10 classes');
  assert.equal(answerInWords('sigmoid', 2), 'one of 2 classes');
  assert.equal(answerInWords('multi-label', 5), '5 independent labels');
  assert.equal(answerInWords('values', 1), '1 number');
});
