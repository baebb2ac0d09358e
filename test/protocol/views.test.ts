import assert from 'node:assert/strict';
import { before, describe, test } from 'node:test';
import { bytesToWords } from '../../crypto/ring.ts';
import { randomModel } from '../../fixtures/sphynx-network.ts';
import type { SegmentKind } from '../../protocol/segment.ts';
import { bytesOf, type Inference, infer, type Preparation, prepare } from '../support/both-roles.ts';

// What each party receives, for inputs as different as can be: it must look the same whatever the other holds.
const SHAPE = { C: 2, D: 3, reduceAt: [0, 1], size: 16 };
const RUNS = 6;

/** Chi-square statistic of the byte values against uniform, in standard deviations above its mean (255). */
function unevenness(bytes: Uint8Array): number {
  assert.ok(bytes.length > 256 * 8, 'enough bytes for a test');
  const counts = new Float64Array(256);
  for (const byte of bytes) counts[byte]++;
  const expected = bytes.length / 256;
  const chiSquare = counts.reduce((sum, count) => sum + (count - expected) ** 2 / expected, 0);
  return (chiSquare - 255) / Math.sqrt(2 * 255);
}

/** The same between two samples: how far their byte values are from one distribution. */
function difference(left: Uint8Array, right: Uint8Array): number {
  const counts = [new Float64Array(256), new Float64Array(256)];
  for (const byte of left) counts[0][byte]++;
  for (const byte of right) counts[1][byte]++;
  let chiSquare = 0;
  for (let value = 0; value < 256; value++) {
    const pooled = (counts[0][value] + counts[1][value]) / (left.length + right.length);
    chiSquare += (counts[0][value] - pooled * left.length) ** 2 / (pooled * left.length);
    chiSquare += (counts[1][value] - pooled * right.length) ** 2 / (pooled * right.length);
  }
  return (chiSquare - 255) / Math.sqrt(2 * 255);
}

const joined = (parts: Uint8Array[]) => new Uint8Array(Buffer.concat(parts));

/** Ten standard deviations: chance crosses it less than once in 1e13 runs, structure at once. */
const LIMIT = 10;

for (const [elements, linear, square] of [
  ['ReLUs', 0, 0],
  ['ReLUs and linear elements', 0.4, 0],
  ['ReLUs, linear elements and squares', 0.3, 0.4],
  ['squares', 0, 1],
] as const)
  describe(`a network of ${elements}`, () => {
    const shape = { ...SHAPE, linear, square };
    const network = randomModel(shape);
    /** Other weights of the same public card. */
    const other = {
      card: network.card,
      layers: network.layers.map(({ kernels, bias }) => ({
        kernels: kernels.map((kernel) => kernel.map((weight) => -weight)),
        bias,
      })),
    };
    const { input, preprocessing } = network.card;
    const pixels = input.channels * input.height * input.width;
    const black = new Int32Array(pixels).fill(-2 * 2 ** preprocessing.scaleBits[0]);
    const white = new Int32Array(pixels).fill(2 * 2 ** preprocessing.scaleBits[0]);

    const views: { prepared: Preparation; black: Inference; white: Inference }[] = [];

    before(async () => {
      const forBlack = await prepare(network, RUNS);
      const forWhite = await prepare(network, RUNS);
      for (let i = 0; i < RUNS; i++) {
        views.push({
          prepared: forBlack[i],
          black: await infer(network, forBlack[i], black),
          white: await infer(network, forWhite[i], white),
        });
      }
    });

    for (const kind of ['masked-input', 'masked-activations'] as const)
      test(`the server's view: ${kind} of a black and of a white image are both uniform and alike`, () => {
        const [left, right] = (['black', 'white'] as const).map((image) =>
          joined(views.map((view) => bytesOf(view[image].serverReceived, kind))),
        );
        assert.ok(unevenness(left) < LIMIT);
        assert.ok(unevenness(right) < LIMIT);
        assert.ok(difference(left, right) < LIMIT);
      });

    for (const kind of ['ot-matrix', 'input-ciphertexts'] as const)
      test(`the server's view: ${kind} are uniform`, () => {
        const bytes = joined(views.map(({ prepared }) => bytesOf(prepared.serverReceived, kind)));
        assert.ok(unevenness(bytes) < LIMIT);
      });

    test("the server's view has the same messages, of the same lengths, for every image", () => {
      const outline = ({ serverReceived }: Inference) =>
        serverReceived.map(({ kind, layer, data }) => [kind, layer, data.length]);
      for (const view of views) assert.deepEqual(outline(view.black), outline(view.white));
    });

    test('a masked image does not correlate with the image', () => {
      // Every pixel of the view against the sign of the image, over all runs: the mean of 2 * RUNS * pixels
      // values uniform in [-1, 1) has standard deviation 1 / sqrt(3 * count).
      let sum = 0;
      for (const view of views)
        for (const [image, sign] of [
          [view.black, -1],
          [view.white, 1],
        ] as const)
          for (const word of bytesToWords(bytesOf(image.serverReceived, 'masked-input')))
            sum += (sign * (word | 0)) / 2 ** 31;
      const count = 2 * RUNS * pixels;
      assert.ok(Math.abs(sum / count) < LIMIT / Math.sqrt(3 * count));
    });

    test("the client's view of two models of one architecture differs only in the logits", async () => {
      const offline: SegmentKind[] = ['output-ciphertexts', 'garbled-tables'];
      const online: SegmentKind[] = ['server-labels', 'logit-share'];
      const [prepared] = await prepare(other);
      const theirs = await infer(other, prepared, black);
      const [{ prepared: ownPrepared, black: ours }] = views;
      for (const kind of offline) {
        const [left, right] = [ownPrepared, prepared].map(({ clientReceived }) =>
          bytesOf(clientReceived, kind),
        );
        assert.equal(left.length, right.length);
        assert.ok(unevenness(left) < LIMIT && unevenness(right) < LIMIT, kind);
        assert.ok(difference(left, right) < LIMIT, kind);
      }
      for (const kind of online) {
        const [left, right] = [ours, theirs].map(({ clientReceived }) => bytesOf(clientReceived, kind));
        assert.equal(left.length, right.length);
        if (kind === 'server-labels') assert.ok(difference(left, right) < LIMIT, kind);
      }
      assert.notDeepEqual(ours.logits, theirs.logits);
    });

    test('no message of one bundle or inference occurs in another', () => {
      const seen = new Set<string>();
      for (const { prepared, black: inference } of views)
        for (const { data, kind } of [
          ...prepared.clientReceived,
          ...inference.serverReceived,
          ...inference.clientReceived,
        ]) {
          const head = Buffer.from(data.subarray(0, 64)).toString('base64');
          assert.ok(!seen.has(head), kind);
          seen.add(head);
        }
    });
  });
