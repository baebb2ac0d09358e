import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { groupedWeights, groupsOf } from '../../importer/channel-groups.ts';
import { makeKernel } from '../../importer/dense-kernel.ts';
import { importOnnx } from '../../importer/import-onnx.ts';
import { OnnxBuilder } from '../support/onnx-builder.ts';

const size = (max: number) => fc.integer({ min: 1, max });

test('a kernel of groups is found to be one, and keeps its weights', () => {
  const property = fc.property(
    size(6),
    size(3),
    size(3),
    size(2),
    size(3),
    (groups, into, from, height, width) => {
      const [out, channels, area] = [groups * into, groups * from, height * width];
      const weights = Float64Array.from({ length: out * from * area }, (_, i) => i + 1);
      const kernel = makeKernel(out, channels, height, width, (data) => {
        for (let o = 0; o < out; o++) {
          const first = Math.floor(o / into) * from;
          data.set(weights.subarray(o * from * area, (o + 1) * from * area), (o * channels + first) * area);
        }
      });
      assert.equal(groupsOf(kernel), groups);
      assert.deepEqual(groupedWeights(kernel, groups), weights);
      assert.equal(groupedWeights(kernel, 1), kernel.data);
    },
  );
  fc.assert(property, { numRuns: 200 });
});

test('a weight outside of the groups makes one of the whole', () => {
  const diagonal = (extra: number) =>
    makeKernel(4, 4, 1, 1, (data) => {
      for (let c = 0; c < 4; c++) data[5 * c] = 1;
      data[extra] = 1;
    });
  // Output 0 reads input 1, which is within halves; output 1 reads input 3, which is not.
  assert.deepEqual(
    [0, 1, 7].map((extra) => groupsOf(diagonal(extra))),
    [4, 2, 1],
  );
});

test('depthwise convolutions after Relu6, max pools and identity shortcuts run channel by channel', async () => {
  const b = new OnnxBuilder({ channels: 4, height: 6, width: 6 }, 1);
  const six = [b.values([], [0]), b.values([], [6])];
  const depthwise = { pads: [1, 1, 1, 1], group: 4 };
  const first = b.node('Clip', [b.conv('image', 4, 4, 3), ...six]);
  const second = b.node('Clip', [b.conv(first, 4, 4, 3, depthwise), ...six]);
  const pooled = b.node('MaxPool', [second], { kernel_shape: [2, 2], strides: [2, 2] });
  const sum = b.node('Add', [b.conv(pooled, 4, 4, 3, { pads: [1, 1, 1, 1] }), pooled]);
  const { layers } = await importOnnx(b.finish(b.classifier(b.node('Relu', [sum]), 4, 2)));
  const groups = layers.map(({ terms }) => terms.map((term) => term.groups));
  assert.deepEqual(groups.at(-1), [1]);
  assert.deepEqual(groups[0], [1]);
  assert.ok(
    groups.slice(1, -2).every(([count]) => count === 4),
    JSON.stringify(groups),
  );
});
