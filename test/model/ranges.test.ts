import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { FixedPointPlan } from '../../model/fixed-point/fixed-point-plan.ts';
import { rangeUse } from '../../model/fixed-point/range-use.ts';
import { measureRanges, RangeMeter } from '../../model/fixed-point/ranges.ts';
import type { FloatNetwork } from '../../model/float-network.ts';

const layer = { name: 'one', ringBits: 4, dropBits: 8, scales: [2, 4], squares: null };
const facts = {
  marginPercent: 200,
  calibrationImages: 10,
  calibration: 'inputs',
  inputScaleBits: [6],
  inputLimit: null,
  logitScaleBits: 8,
} as const;

function planOf(...layers: FixedPointPlan['layers']): FixedPointPlan {
  return { format: 2, ...facts, layers };
}

function relus(...relu: number[]) {
  const none = new Float64Array(relu.length);
  return { relu: Float64Array.from(relu), linear: none, square: none };
}

test('the share of the range in use is that of the largest value, over one where it wraps around', () => {
  assert.equal(rangeUse(planOf(layer), [relus(1, 0.25), relus(99)]), 2 / 8);
  assert.equal(rangeUse(planOf(layer, layer), [relus(0, 0), relus(1, 3)]), 12 / 8);
});

test('every layer is measured with its own bits', () => {
  const wide = { ...layer, ringBits: 8 };
  assert.equal(rangeUse(planOf(layer, wide), [relus(1, 1), relus(4, 8)]), 4 / 8);
});

test('linear elements use the room up to 2^30 at product scale, whatever k is', () => {
  const none = new Float64Array(2);
  const linear = { relu: Float64Array.of(1, 0.25), linear: Float64Array.of(2 ** 20, 0), square: none };
  assert.equal(rangeUse(planOf(layer), [linear]), 2 ** 21 / (2 ** 22 - 1));
});

test('what is squared uses the room up to 2^30 at product scale, at the root of its tensor’s scale', () => {
  const squares = { dropBits: 20, shiftBits: 3 };
  const none = new Float64Array(2);
  const square = { relu: none, linear: none, square: Float64Array.of(5, 7) };
  assert.equal(
    rangeUse(planOf({ ...layer, scales: [10_000, 2500], squares }), [square]),
    500 / (2 ** 10 - 1),
  );
  const shifted = planOf({ ...layer, scales: [16, 32], squares });
  assert.equal(rangeUse(shifted, [relus(1, 0.25)]), 2 / 8, 'others are measured before their shift');
});

test('elements of every kind are measured apart, and logits count as linear', () => {
  const output = { channels: 1, height: 1, width: 3 };
  const kernel = { kernelHeight: 1, kernelWidth: 1, strideY: 1, strideX: 1, padTop: 0, padLeft: 0 };
  const term = { tensor: 0, pool: 'none', ...kernel, groups: 1 };
  const map = {
    name: 'map',
    output,
    terms: [term],
    kernels: [Float64Array.of(1)],
    bias: new Float64Array(1),
  };
  const network = {
    input: output,
    layers: [
      { ...map, linear: Uint8Array.of(0, 1, 0), square: Uint8Array.of(0, 0, 1) },
      { ...map, terms: [{ ...term, tensor: 1 }], linear: null, square: null },
    ],
  } as Parameters<typeof measureRanges>[0];
  const images = [Float32Array.of(-3, -5, 0.5), Float32Array.of(2, 4, -1.5)];
  assert.deepEqual(measureRanges(network, images), [
    { relu: Float64Array.of(3), linear: Float64Array.of(5), square: Float64Array.of(1.5) },
    { relu: Float64Array.of(0), linear: Float64Array.of(5), square: Float64Array.of(0) },
  ]);
});

/** One number through two maps by 1: a square, or a ReLU, between them. */
function oneNumber(square: boolean): FloatNetwork {
  const output = { channels: 1, height: 1, width: 1 };
  const kernel = { kernelHeight: 1, kernelWidth: 1, strideY: 1, strideX: 1, padTop: 0, padLeft: 0 };
  const map = { name: 'map', output, kernels: [Float64Array.of(1)], bias: new Float64Array(1), linear: null };
  const term = (tensor: number) => ({ tensor, pool: 'none' as const, ...kernel, groups: 1 });
  return {
    input: output,
    layers: [
      { ...map, terms: [term(0)], square: square ? Uint8Array.of(1) : null },
      { ...map, terms: [term(1)], square: null },
    ],
  };
}

function metered(square: boolean, ...inputs: number[]): RangeMeter {
  const meter = new RangeMeter(oneNumber(square));
  for (const input of inputs) meter.add(Float32Array.of(input));
  return meter;
}

test('inputs that a network with squares blows up are set apart, and counted', () => {
  const meter = metered(true, 1, 2, 3, 1000, 2.5, Number.POSITIVE_INFINITY, 2, 1, 3);
  assert.equal(meter.apart, 2);
  assert.equal(meter.ranges[0].square[0], 3);
  assert.equal(meter.ranges[1].linear[0], 9);
  assert.equal(meter.allRanges[0].square[0], Number.POSITIVE_INFINITY);
});

test('no input is set apart where many are far from the median, or without squares', () => {
  for (const meter of [metered(true, 1, 2, 1000, 1000, 3), metered(false, 1, 2, 3, 1000, 2)]) {
    assert.equal(meter.apart, 0);
    assert.equal(meter.ranges[1].linear[0], meter.allRanges[1].linear[0]);
    assert.ok(meter.ranges[1].linear[0] >= 1000);
  }
});

test('inputs whose outputs are zero are never set apart, nor others beside them', () => {
  for (const inputs of [
    [0, 0, 0.001, 0],
    [0.001, 0.001, 0, 0.001],
  ])
    assert.equal(metered(true, ...inputs).apart, 0);
});
