import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { randomImage } from '../../fixtures/random-image.ts';
import { seededRandom } from '../../fixtures/seeded-random.ts';
import { randomModel } from '../../fixtures/sphynx-network.ts';
import { countFlags, flagsOf } from '../../model/element-bitmap.ts';
import {
  applyGadgets,
  linearLayer,
  nearest,
  quantizeImage,
  runInteger,
  stochastic,
  stochasticRange,
} from '../../model/executor.ts';
import { elementsOf, tensorShapes } from '../../model/geometry.ts';
import { LINEAR_ERROR, likely } from '../../model/linear-error.ts';
import type { FixedNetwork } from '../../model/network.ts';
import { randomSmallNetwork } from '../support/small-network.ts';

const seeds = fc.integer({ min: 0, max: 2 ** 30 });

function randomWords(length: number, random: () => number): Uint32Array {
  return Uint32Array.from({ length }, () => random() * 2 ** 32);
}

/** One linear layer by its definition, with unbounded integers. */
function linearLayerExact({ card, layers }: FixedNetwork, l: number, tensors: Int32Array[]): bigint[] {
  const { output, terms } = card.layers[l];
  const shapes = tensorShapes(card);
  const out: bigint[] = [];
  for (let o = 0; o < output.channels; o++)
    for (let y = 0; y < output.height; y++)
      for (let x = 0; x < output.width; x++) {
        let sum = BigInt(layers[l].bias[o]);
        for (const [t, term] of terms.entries()) {
          const { channels, height, width } = shapes[term.tensor];
          const value = (c: number, row: number, column: number): bigint => {
            const map = tensors[term.tensor].subarray(c * height * width, (c + 1) * height * width);
            if (term.pool === 'sum') return map.reduce((total, v) => total + BigInt(v), 0n);
            const inside = row >= 0 && row < height && column >= 0 && column < width;
            return inside ? BigInt(map[row * width + column]) : 0n;
          };
          const perGroup = channels / term.groups;
          const first = perGroup * Math.floor(o / (output.channels / term.groups));
          let weight = o * perGroup * term.kernelHeight * term.kernelWidth;
          for (let c = first; c < first + perGroup; c++)
            for (let ky = 0; ky < term.kernelHeight; ky++)
              for (let kx = 0; kx < term.kernelWidth; kx++) {
                const row = y * term.strideY + ky - term.padTop;
                const column = x * term.strideX + kx - term.padLeft;
                sum += BigInt(layers[l].kernels[t][weight++]) * value(c, row, column);
              }
        }
        out.push(sum);
      }
  return out;
}

test('every linear layer equals its definition in unbounded integers, wrapped to 32 bits', () => {
  fc.assert(
    fc.property(seeds, (seed) => {
      const network = randomSmallNetwork(seed);
      const { tensors } = runInteger(network, randomImage(network, seed), nearest);
      for (const l of network.card.layers.keys()) {
        const exact = linearLayerExact(network, l, tensors).map((v) => Number(BigInt.asUintN(32, v)));
        assert.deepEqual([...linearLayer(network, l, tensors)], exact);
      }
    }),
    { numRuns: 15 },
  );
});

test('a linear layer without its bias is linear mod 2^32, so it works on shares', () => {
  fc.assert(
    fc.property(seeds, (seed) => {
      const network = randomSmallNetwork(seed);
      const random = seededRandom(seed);
      const a = tensorShapes(network.card).map((shape) => randomWords(elementsOf(shape), random));
      const b = a.map(({ length }) => randomWords(length, random));
      const both = a.map((words, i) => words.map((word, j) => word + b[i][j]));
      for (const l of network.card.layers.keys()) {
        const onB = linearLayer(network, l, b, 'without-bias');
        const sum = linearLayer(network, l, a).map((value, i) => value + onB[i]);
        assert.deepEqual(sum, linearLayer(network, l, both));
      }
    }),
    { numRuns: 25 },
  );
});

test('truncated shares add up to the executor value with the carry that the shares had', () => {
  fc.assert(
    fc.property(
      seeds,
      fc.integer({ min: -(2 ** 22), max: 2 ** 22 }),
      fc.nat({ max: 2 ** 32 - 1 }),
      (seed, x, a) => {
        const { card } = randomSmallNetwork(seed);
        const { ringBits, dropBits } = card.layers[0].gadget!;
        const b = (x - a) >>> 0;
        const drop = (share: number) => (share >>> 0) >>> dropBits;
        const onShares = ((drop(a + 2 ** dropBits) + drop(b)) << (32 - ringBits)) >> (32 - ringBits);
        const low = (share: number) => share & (2 ** dropBits - 1);
        const carry = low(a) + low(b) >= 2 ** dropBits ? 1 : 0;
        const values = applyGadgets(card, 0, Int32Array.of(x), () => carry);
        assert.equal(values[0], Math.max(0, onShares));
      },
    ),
    { numRuns: 1000 },
  );
});

/** What the gadgets of a layer compute, by their definition, with unbounded integers. */
function gadgetsExact({ card }: FixedNetwork, l: number, values: bigint[], carry: (e: number) => 0 | 1) {
  const { ringBits, dropBits } = card.layers[l].gadget!;
  const { squares } = card.layers[l];
  const linear = flagsOf(card.layers[l].linear, values.length);
  const square = flagsOf(squares?.elements ?? null, values.length);
  const shift = 2n ** BigInt(squares?.shiftBits ?? 0);
  return values.map((x, e) => {
    const rounded = (bits: number) => (x >> BigInt(bits)) + 1n - BigInt(carry(e));
    if (squares && square?.[e]) return BigInt.asIntN(32, rounded(squares.dropBits) ** 2n);
    if (linear?.[e]) return rounded(dropBits) * shift;
    const wrapped = BigInt.asIntN(ringBits, rounded(dropBits));
    return wrapped < 0n ? 0n : wrapped * shift;
  });
}

test('a network with linear elements and squares equals its definition in unbounded integers, from image to logits', () => {
  let negative = 0;
  let squared = 0;
  fc.assert(
    fc.property(
      seeds,
      fc.constantFrom(0.2, 0.5, 0.9, 1),
      fc.constantFrom(0, 0.3, 1),
      (seed, share, square) => {
        const network = randomSmallNetwork(seed, 3, share, square);
        const image = randomImage(network, seed);
        const coin = seededRandom(seed);
        const carries = tensorShapes(network.card).map((shape) =>
          Array.from({ length: elementsOf(shape) }, (): 0 | 1 => (coin() < 0.5 ? 0 : 1)),
        );
        const { logits, tensors } = runInteger(network, image, (l, e) => carries[l + 1][e]);
        const exact = [image];
        const last = network.card.layers.length - 1;
        for (let l = 0; l < last; l++) {
          const values = gadgetsExact(
            network,
            l,
            linearLayerExact(network, l, exact),
            (e) => carries[l + 1][e],
          );
          exact.push(Int32Array.from(values, Number));
        }
        assert.deepEqual(tensors, exact);
        const sums = linearLayerExact(network, last, exact).map((v) => Number(BigInt.asIntN(32, v)));
        assert.deepEqual([...logits], sums);
        for (const [l, { linear }] of network.card.layers.slice(0, -1).entries()) {
          const flags = flagsOf(linear, exact[l + 1].length);
          assert.ok(exact[l + 1].every((value, e) => value >= 0 || flags?.[e] === 1));
          negative += exact[l + 1].filter((value) => value < 0).length;
          squared += countFlags(network.card.layers[l].squares?.elements ?? null);
        }
      },
    ),
    { numRuns: 30 },
  );
  assert.ok(negative > 100, 'linear elements keep their sign');
  assert.ok(squared > 100);
});

test('errors of the linear layers are added before the gadgets, and to the logits', () => {
  fc.assert(
    fc.property(seeds, (seed) => {
      const network = randomSmallNetwork(seed, 3, 0.3);
      const image = randomImage(network, seed);
      const error = (layer: number, element: number) => (((layer + 1) * 977 + element * 31) % 400) - 200;
      const { logits, tensors } = runInteger(network, image, nearest, error);
      const shifted = (l: number) => linearLayer(network, l, tensors).map((sum, e) => sum + error(l, e));
      const last = network.card.layers.length - 1;
      for (let l = 0; l < last; l++)
        assert.deepEqual(applyGadgets(network.card, l, shifted(l), nearest), tensors[l + 1]);
      assert.deepEqual(new Uint32Array(logits), shifted(last));
    }),
    { numRuns: 20 },
  );
});

test('likely errors have no bias and the deviation that is announced', () => {
  const error = likely(seededRandom(11));
  const errors = Array.from({ length: 100_000 }, (_, i) => error(0, i));
  const mean = errors.reduce((sum, value) => sum + value, 0) / errors.length;
  const deviation = Math.sqrt(errors.reduce((sum, value) => sum + value * value, 0) / errors.length);
  assert.ok(errors.every(Number.isInteger));
  assert.ok(Math.abs(mean) < 0.3 && Math.abs(deviation - LINEAR_ERROR) < 0.3, `${mean}, ${deviation}`);
});

test('shares of a linear element, truncated and freed from their wrap, add up to the executor value', () => {
  const { card } = randomSmallNetwork(3, 1, 1);
  const { dropBits } = card.layers[0].gadget!;
  const range = { min: -(2 ** 30), max: 2 ** 30 - 2 ** dropBits - 1 };
  fc.assert(
    fc.property(fc.integer(range), fc.nat({ max: 2 ** 32 - 1 }), (x, a) => {
      const b = (x - a) >>> 0;
      const moved = (a + 2 ** dropBits + 2 ** 30) >>> 0;
      const wraps = moved >>> 31 || b >>> 31 ? 2 ** (32 - dropBits) : 0;
      const onShares = (moved >>> dropBits) + (b >>> dropBits) - wraps - 2 ** (30 - dropBits);
      const low = 2 ** dropBits - 1;
      const carry = (a & low) + (b & low) > low ? 1 : 0;
      const [value] = applyGadgets(card, 0, Int32Array.of(x), () => carry);
      assert.equal(value, onShares);
    }),
    { numRuns: 1000 },
  );
});

test('stochastic rounding has no bias, and nearest rounding is within half a unit', () => {
  const { card } = randomSmallNetwork(1);
  const { dropBits } = card.layers[0].gadget!;
  const carry = stochastic(seededRandom(5));
  for (const x of [1, 2 ** dropBits / 3, 2 ** dropBits * 5.71, 2 ** dropBits * 100.5].map(Math.round)) {
    const exact = (x + 1) / 2 ** dropBits;
    const samples = applyGadgets(card, 0, new Int32Array(40_000).fill(x), carry);
    const mean = samples.reduce((sum, value) => sum + value, 0) / samples.length;
    assert.ok(Math.abs(mean - exact) < 0.02, `${mean} for ${exact}`);
    assert.ok(Math.abs(applyGadgets(card, 0, Int32Array.of(x), nearest)[0] - exact) <= 0.5);
  }
});

test('a value beyond the k bits wraps around, as it does on shares', () => {
  const { card } = randomSmallNetwork(2);
  const { ringBits, dropBits } = card.layers[0].gadget!;
  const largest = 2 ** (ringBits - 1) * 2 ** dropBits;
  const values = Int32Array.of(largest - 2 ** (dropBits + 1), largest, -largest - 2 ** (dropBits + 1));
  const out = applyGadgets(card, 0, values, () => 0);
  assert.deepEqual([...out], [2 ** (ringBits - 1) - 1, 0, 2 ** (ringBits - 1) - 1]);
});

test('the spread of stochastic runs contains the nearest result', () => {
  const network = randomModel({ C: 2, D: 3, reduceAt: [0], size: 8, classes: 10 });
  const image = randomImage(network, 9);
  const { logits } = runInteger(network, image, nearest);
  const { mean, deviation } = stochasticRange(network, image, 60, seededRandom(3));
  assert.ok(deviation.every((value) => value > 0));
  assert.ok(logits.every((value, i) => Math.abs(value - mean[i]) < 6 * deviation[i]));
});

test("an image is quantised at the card's scale, and one of another size is refused", () => {
  const { card } = randomSmallNetwork(4);
  const image = new Float32Array(elementsOf(card.input)).fill(-0.5);
  assert.equal(quantizeImage(card, image)[0], -(2 ** (card.preprocessing.scaleBits[0] - 1)));
  assert.throws(() => quantizeImage(card, image.subarray(1)), { code: 'protocol/length' });
});

test('a tensor that is missing or has the wrong size is refused', () => {
  const network = randomSmallNetwork(6);
  assert.throws(() => linearLayer(network, 0, []), { code: 'protocol/length' });
  assert.throws(() => runInteger(network, new Int32Array(1), nearest), { code: 'protocol/length' });
});
