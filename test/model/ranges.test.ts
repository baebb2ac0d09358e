import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { FixedPointPlan } from '../../model/fixed-point/planner.ts';
import { rangeUse } from '../../model/fixed-point/ranges.ts';

const layer = { name: 'one', ringBits: 4, dropBits: 8, scales: [2, 4] };
const facts = { marginPercent: 200, calibrationImages: 10, imageScaleBits: 6, logitScaleBits: 8 };

function planOf(...layers: FixedPointPlan['layers']): FixedPointPlan {
  return { format: 1, ...facts, layers };
}

test('the share of the range in use is that of the largest value, over one where it wraps around', () => {
  assert.equal(rangeUse(planOf(layer), [Float64Array.of(1, 0.25), Float64Array.of(99)]), 2 / 8);
  assert.equal(rangeUse(planOf(layer, layer), [new Float64Array(2), Float64Array.of(1, 3)]), 12 / 8);
});

test('every layer is measured with its own bits', () => {
  const wide = { ...layer, ringBits: 8 };
  assert.equal(rangeUse(planOf(layer, wide), [Float64Array.of(1, 1), Float64Array.of(4, 8)]), 4 / 8);
});
