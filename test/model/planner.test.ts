import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import type { SphynxError } from '../../errors/sphynx-error.ts';
import { importOnnx } from '../../importer/import-onnx.ts';
import { loadModel } from '../../importer/load.ts';
import { nearest, quantizeImage, runInteger } from '../../model/executor.ts';
import { planFixedPoint } from '../../model/fixed-point/planner.ts';
import { quantizeNetwork } from '../../model/fixed-point/quantize.ts';
import { measureRanges } from '../../model/fixed-point/ranges.ts';
import { FloatRunner } from '../../model/float-network.ts';
import { MIN_DROP_BITS } from '../../model/limits.ts';
import { type LayerWeights, weightNorm } from '../../model/network.ts';
import { OnnxBuilder } from '../support/onnx-builder.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

const INPUT = { channels: 3, height: 8, width: 8 };
const builder = new OnnxBuilder(INPUT, 5);
const file = builder.finish(threeLayers(builder));
const network = await importOnnx(file);
const images = Array.from({ length: 60 }, () =>
  Float32Array.from({ length: 192 }, () => builder.random() * 4 - 2),
);
const ranges = measureRanges(network, images);
const OPTIONS = {
  ringBits: 12,
  marginPercent: 150,
  calibrationImages: images.length,
  calibration: 'inputs' as const,
  input: { scaleBits: [6, 6, 6], limit: null },
  weightNorm: 2 ** 11,
};
const FACTS = {
  name: 'small',
  inputKind: 'picture' as const,
  head: 'softmax' as const,
  labels: Array.from({ length: 10 }, (_, i) => `class ${i}`),
  preprocessing: { height: 8, width: 8, mean: [0.5, 0.5, 0.5], std: [0.2, 0.2, 0.2] },
};
const plan = planFixedPoint(network, ranges, OPTIONS);
const fixed = quantizeNetwork(network, plan, FACTS);

function threeLayers(b: OnnxBuilder): string {
  const t1 = b.node('Relu', [b.conv('image', 3, 8, 5, { pads: [2, 2, 2, 2] })]);
  const sum = b.node('Add', [
    b.conv(t1, 8, 12, 3, { pads: [1, 1, 1, 1] }),
    b.conv('image', 3, 12, 3, { pads: [1, 1, 1, 1] }),
  ]);
  return b.classifier(b.node('Relu', [sum]), 12, 10);
}

test('calibration values fit k bits with the margin, in every channel', () => {
  for (const [l, { ringBits, scales }] of plan.layers.entries())
    for (const [c, scale] of scales.entries())
      assert.ok(ranges[l].relu[c] * scale * 1.5 < 2 ** (ringBits - 1) - 1);
});

test('weights use the bits that the norm allows, and never more', async () => {
  for (const layer of fixed.layers) {
    const norm = normOf(layer);
    assert.ok(norm <= 2 ** 11 && norm >= 2 ** 9.9, String(norm));
  }
});

/** Of a layer whose bias is one number per channel. */
const normOf = (layer: LayerWeights) => weightNorm(layer, layer.bias.length);

/** The smallest limit on the norm that gives layer l one more bit than 2^7 does: its kernels just reach it. */
async function tightestLimit(l: number, seed: number): Promise<{ limit: number; norm: number }> {
  const b = new OnnxBuilder(INPUT, seed);
  const other = await importOnnx(b.finish(threeLayers(b)));
  const measured = measureRanges(other, images.slice(0, 5));
  const planned = (limit: number) => planFixedPoint(other, measured, { ...OPTIONS, weightNorm: limit });
  let [low, high] = [2 ** 7, 2 ** 8.5];
  const bits = planned(low).layers[l].dropBits;
  while (high - low > 1e-9) {
    const middle = (low + high) / 2;
    if (planned(middle).layers[l].dropBits > bits) high = middle;
    else low = middle;
  }
  return { limit: high, norm: normOf(quantizeNetwork(other, planned(high), FACTS).layers[l]) };
}

test('weights too large for the norm still drop as many bits as the errors of encryption need', () => {
  const { layers } = planFixedPoint(network, ranges, { ...OPTIONS, weightNorm: 2 ** 7 });
  const wanted = planFixedPoint(network, ranges, { ...OPTIONS, weightNorm: 2 ** 13 }).layers;
  for (const [l, { dropBits, scales }] of layers.entries()) {
    assert.ok(dropBits >= MIN_DROP_BITS && dropBits < wanted[l].dropBits);
    for (const [c, scale] of scales.entries()) assert.ok(scale > wanted[l].scales[c] / 2.1);
  }
});

test('rounding never lifts a kernel over the norm, not even one that just reaches it', async () => {
  for (let seed = 0; seed < 8; seed++)
    for (const l of plan.layers.keys()) {
      const { limit, norm } = await tightestLimit(l, seed);
      assert.ok(norm <= limit, `${norm} > ${limit}`);
      assert.ok(norm > limit * 0.8, 'the limit is not far away either');
    }
});

test('logits keep their margin below 31 bits, however large the network makes them', () => {
  const last = network.layers.length - 1;
  const factor = 2 ** 21 / Math.max(...ranges[last].linear);
  const loud = {
    ...network,
    layers: network.layers.map((layer, l) =>
      l < last
        ? layer
        : {
            ...layer,
            kernels: layer.kernels.map((k) => k.map((w) => w * 1e-6)),
            bias: layer.bias.map((v) => v * factor),
          },
    ),
  };
  const loudRanges = measureRanges(loud, images);
  const { logitScaleBits } = planFixedPoint(loud, loudRanges, OPTIONS);
  const words = Math.max(...loudRanges[last].linear) * 1.5 * 2 ** logitScaleBits;
  assert.ok(words < 2 ** 31 && words > 2 ** 29, String(words));
});

test('fixed point follows the float network to a few units', () => {
  const runner = new FloatRunner(network);
  for (const image of images.slice(0, 10)) {
    const float = runner.run(image);
    const { logits, tensors } = runInteger(fixed, quantizeImage(fixed.card, image), nearest);
    for (const [l, { scales }] of plan.layers.entries()) {
      const area = float[l].length / scales.length;
      for (const [i, value] of float[l].entries()) {
        const expected = Math.max(0, value) * scales[Math.floor(i / area)];
        assert.ok(
          Math.abs(tensors[l + 1][i] - expected) < 12,
          `layer ${l}, ${i}: ${tensors[l + 1][i]} for ${expected}`,
        );
      }
    }
    const spread = Math.max(...float[2].map(Math.abs));
    for (const [i, logit] of logits.entries())
      assert.ok(Math.abs(logit / 2 ** plan.logitScaleBits - float[2][i]) < 0.02 * spread);
  }
});

const masked = {
  ...network,
  layers: network.layers.map((layer, l) => {
    if (l === network.layers.length - 1) return layer;
    const area = layer.output.height * layer.output.width;
    // The first channel is linear, the second has ReLUs only, the others are mixed.
    const linear = Uint8Array.from({ length: layer.output.channels * area }, (_, i) =>
      i < area ? 1 : Number(i >= 2 * area && builder.random() < 0.8),
    );
    return { ...layer, linear };
  }),
};

test('with linear elements, values of both kinds fit what their gadgets take, with the margin', () => {
  const measured = measureRanges(masked, images);
  for (const ringBits of [8, 12, 20]) {
    const { layers } = planFixedPoint(masked, measured, { ...OPTIONS, ringBits });
    for (const [l, { scales, dropBits }] of layers.entries())
      for (const [c, scale] of scales.entries()) {
        assert.ok(measured[l].relu[c] * scale * 1.5 < 2 ** (ringBits - 1) - 1);
        assert.ok(measured[l].linear[c] * scale * 1.5 * 2 ** dropBits < 2 ** 30 - 2 ** dropBits);
      }
  }
});

test('linear elements as large as can be limit the scale of their own channel only', () => {
  const measured = measureRanges(masked, images);
  const [first, ...rest] = measured;
  const linear = first.linear.slice();
  linear[2] *= 2 ** 14;
  const few = { ...OPTIONS, ringBits: 18 };
  const planned = planFixedPoint(masked, [{ ...first, linear }, ...rest], few).layers[0];
  const largest = linear[2] * planned.scales[2] * 1.5 * 2 ** planned.dropBits;
  assert.ok(largest < 2 ** 30 - 2 ** planned.dropBits && largest > 2 ** 29, String(largest));
  assert.ok(planned.scales[3] > 4 * planned.scales[2]);
});

test('linear elements that are larger than those with a ReLU take nothing from the precision of either', () => {
  const measured = measureRanges(masked, images);
  const [first, ...rest] = measured;
  const louder = (range: Float64Array) => range.map((most, c) => (c === 2 ? 8 * most : most));
  const linear = louder(first.linear);
  const [plain, loud, louderRelus] = [
    first,
    { ...first, linear },
    { ...first, linear, relu: louder(first.relu) },
  ].map((range) => planFixedPoint(masked, [range, ...rest], OPTIONS).layers[0]);
  assert.deepEqual(loud, plain);
  assert.ok(louderRelus.scales[2] < plain.scales[2] / 4, 'while a ReLU needs its range');
});

test('fixed point follows a float network with linear elements, negative values included', () => {
  const measured = planFixedPoint(masked, measureRanges(masked, images), OPTIONS);
  const inIntegers = quantizeNetwork(masked, measured, FACTS);
  assert.ok(inIntegers.card.relus < fixed.card.relus);
  const runner = new FloatRunner(masked);
  let lowest = 0;
  for (const image of images.slice(0, 10)) {
    const float = runner.run(image);
    const { logits, tensors } = runInteger(inIntegers, quantizeImage(inIntegers.card, image), nearest);
    for (const [l, { scales }] of measured.layers.entries()) {
      const area = float[l].length / scales.length;
      for (const [i, value] of float[l].entries()) {
        const kept = masked.layers[l].linear?.[i] ? value : Math.max(0, value);
        const expected = kept * scales[Math.floor(i / area)];
        lowest = Math.min(lowest, expected);
        assert.ok(Math.abs(tensors[l + 1][i] - expected) < 20, `layer ${l}, ${i}: ${tensors[l + 1][i]}`);
      }
    }
    const spread = Math.max(...float[2].map(Math.abs));
    for (const [i, logit] of logits.entries())
      assert.ok(Math.abs(logit / 2 ** measured.logitScaleBits - float[2][i]) < 0.02 * spread);
  }
  assert.ok(lowest < -100);
});

test('a smaller k costs precision, not range', () => {
  const coarse = planFixedPoint(network, ranges, { ...OPTIONS, ringBits: 8 });
  for (const [l, { scales }] of coarse.layers.entries())
    for (const [c, scale] of scales.entries()) assert.ok(scale < plan.layers[l].scales[c] / 7);
});

const folder = temporaryFolder();

function writeModel(changes: { manifest?: object; plan?: object; onnx?: Uint8Array } = {}): void {
  const sha256 = createHash('sha256').update(file).digest('hex');
  const { mean, std } = FACTS.preprocessing;
  const dataset = { classes: FACTS.labels, preprocessing: { resize: [8, 8], mean, std } };
  writeFileSync(join(folder, 'model.onnx'), changes.onnx ?? file);
  writeFileSync(
    join(folder, 'manifest.json'),
    JSON.stringify({ name: 'small', dataset, sha256, ...changes.manifest }),
  );
  writeFileSync(join(folder, 'fixed-point.json'), JSON.stringify({ ...plan, ...changes.plan }));
}

test('a model folder loads as it was planned, and its hash names its weights', async () => {
  writeModel();
  const loaded = await loadModel(folder);
  assert.deepEqual(loaded, fixed);
  const layers = plan.layers.map((layer, l) =>
    l === 0 ? { ...layer, dropBits: layer.dropBits - 1 } : layer,
  );
  writeModel({ plan: { layers } });
  assert.notEqual((await loadModel(folder)).card.hash, fixed.card.hash);
});

test('files that do not belong together are refused, naming the file and the remedy', async () => {
  const cases: [Parameters<typeof writeModel>[0], RegExp][] = [
    [{ onnx: file.slice(0, -1) }, /not the file of the manifest/],
    [{ manifest: { name: '../escape' } }, /manifest\.name/],
    [{ manifest: { dataset: {} } }, /manifest\.dataset/],
    [{ plan: { layers: plan.layers.slice(1) } }, /plan it again/],
    [{ plan: { layers: plan.layers.map((layer) => ({ ...layer, scales: [1] })) } }, /plan it again/],
    [
      { plan: { layers: plan.layers.map((layer) => ({ ...layer, name: 'other' })) } },
      /layer other .*plan it again/,
    ],
    [{ plan: { format: 1 } }, /fixed-point\.format/],
  ];
  for (const [changes, message] of cases) {
    writeModel(changes);
    await assert.rejects(loadModel(folder), { code: 'model/format', message });
  }

  writeModel();
  rmSync(join(folder, 'fixed-point.json'));
  await assert.rejects(loadModel(folder), { code: 'model/format', message: /sphynx import/ });
});

test('a layer whose kernels are all zero, as of pruned networks, gets finite scales and bits', () => {
  for (const dead of network.layers.keys())
    for (const bias of [0, 0.3]) {
      const layers = network.layers.map((layer, l) =>
        l === dead
          ? {
              ...layer,
              kernels: layer.kernels.map((kernel) => new Float64Array(kernel.length)),
              bias: layer.bias.map(() => bias),
            }
          : layer,
      );
      const pruned = { ...network, layers };
      const measured = measureRanges(pruned, images.slice(0, 3));
      const planned = planFixedPoint(pruned, measured, OPTIONS);
      const { card } = quantizeNetwork(pruned, planned, FACTS);
      for (const { scales, dropBits } of planned.layers)
        assert.ok(Number.isInteger(dropBits) && scales.every((scale) => scale > 0 && Number.isFinite(scale)));
      assert.ok(Number.isInteger(card.logitScaleBits));
    }
});

test('a layer that reads only zeros in calibration is planned for what it makes of inputs at their limit', () => {
  // The first layer's activations are all below zero, so the second gives nothing, whatever its kernels are.
  const [first, second, last] = network.layers;
  const silent = { ...first, bias: first.bias.map(() => -1000) };
  const behind = {
    ...second,
    terms: second.terms.slice(0, 1),
    kernels: second.kernels.slice(0, 1),
    bias: second.bias.map(() => 0),
  };
  const dead = { ...network, layers: [silent, behind, last] };
  const measured = measureRanges(dead, images.slice(0, 3));
  assert.ok(measured[1].relu.every((most) => most === 0));
  for (const ringBits of [9, 13, 16]) {
    const planned = planFixedPoint(dead, measured, { ...OPTIONS, ringBits });
    const { layers } = quantizeNetwork(dead, planned, FACTS);
    const factor = normOf(layers[1]) / 2 ** planned.layers[1].dropBits;
    assert.ok(factor > 0.3 && factor <= 1, `integers are multiplied by ${factor}`);
  }
});

test('outputs far below the range of the inputs, and biases that cancel, give up scale and not the import', () => {
  const measured = measureRanges(network, images.slice(0, 10));
  const quiet = measured.map((range, l) =>
    l === 1 ? { ...range, relu: range.relu.map(() => 1e-6) } : range,
  );
  const planned = planFixedPoint(network, quiet, OPTIONS);
  const inIntegers = quantizeNetwork(network, planned, FACTS);
  assert.equal(planned.layers[1].dropBits, MIN_DROP_BITS);
  assert.ok(normOf(inIntegers.layers[1]) <= OPTIONS.weightNorm * 2 ** (MIN_DROP_BITS - 1));

  const layers = network.layers.map((layer, l) =>
    l === 1 ? { ...layer, bias: layer.bias.map((value) => value + 1e6) } : layer,
  );
  const biased = { ...network, layers };
  const [, { bias }] = quantizeNetwork(biased, planFixedPoint(biased, measured, OPTIONS), FACTS).layers;
  assert.ok(bias.every((word) => word > 2 ** 29));
});

test('outputs too large for 32 bits are refused with the divisor that makes them fit', () => {
  const scaled = (factor: number) => {
    const { kernels, bias, ...rest } = network.layers[2];
    const times = (values: Float64Array) => values.map((value) => value * factor);
    const loud = {
      ...rest,
      kernels: kernels.map((kernel) => times(kernel as Float64Array)),
      bias: times(bias),
    };
    const grown = { ...network, layers: [...network.layers.slice(0, 2), loud] };
    return planFixedPoint(grown, measureRanges(grown, images.slice(0, 3)), OPTIONS);
  };
  let divisor = 0;
  assert.throws(
    () => scaled(1e12),
    ({ code, message }: SphynxError) => {
      divisor = Number(/last layer by (\d+)/.exec(message)?.[1]);
      return code === 'model/unsupported' && divisor > 1;
    },
  );
  assert.ok(scaled(1e12 / divisor).logitScaleBits >= 0);
});

test('values that are infinite or no numbers are refused, naming the layer', () => {
  const layers = network.layers.map((layer, l) =>
    l === 1 ? { ...layer, kernels: layer.kernels.map((kernel) => kernel.map((w) => w * 1e38)) } : layer,
  );
  const loud = { ...network, layers };
  assert.throws(() => planFixedPoint(loud, measureRanges(loud, images.slice(0, 2)), OPTIONS), {
    code: 'model/unsupported',
    message: /layer .* infinite or no numbers/,
  });
});
