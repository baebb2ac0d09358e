import assert from 'node:assert/strict';
import { test } from 'node:test';
import { importOnnx } from '../../importer/import-onnx.ts';
import { nearest, quantizeImage, runInteger } from '../../model/executor.ts';
import { readPlan } from '../../model/fixed-point/plan-file.ts';
import { planFixedPoint } from '../../model/fixed-point/planner.ts';
import { quantizeNetwork } from '../../model/fixed-point/quantize.ts';
import { type LayerRanges, measureRanges } from '../../model/fixed-point/ranges.ts';
import { channelKinds, productScales } from '../../model/fixed-point/square-scales.ts';
import { activated, type FloatNetwork, FloatRunner } from '../../model/float-network.ts';
import { OnnxBuilder } from '../support/onnx-builder.ts';

const INPUT = { channels: 3, height: 8, width: 8 };
const builder = new OnnxBuilder(INPUT, 11);
const file = builder.finish(threeLayers(builder));
const plain = await importOnnx(file);
const images = Array.from({ length: 40 }, () =>
  Float32Array.from({ length: 192 }, () => builder.random() * 4 - 2),
);

function threeLayers(b: OnnxBuilder): string {
  const t1 = b.node('Relu', [b.conv('image', 3, 8, 5, { pads: [2, 2, 2, 2] })]);
  const t2 = b.node('Relu', [b.conv(t1, 8, 12, 3, { pads: [1, 1, 1, 1] })]);
  return b.classifier(t2, 12, 10);
}

const ONE_BY_ONE = {
  pool: 'none',
  ...{ kernelHeight: 1, kernelWidth: 1, strideY: 1, strideX: 1, padTop: 0, padLeft: 0, groups: 1 },
} as const;

/** The network with the nonlinearity 'relu', 'linear' or 'square' for each element. */
function withKinds(kind: (channel: number, position: number) => 'relu' | 'linear' | 'square'): FloatNetwork {
  return {
    ...plain,
    layers: plain.layers.map((layer, l) => {
      if (l === plain.layers.length - 1) return layer;
      const area = layer.output.height * layer.output.width;
      const kinds = Array.from({ length: layer.output.channels * area }, (_, i) =>
        kind(Math.floor(i / area), i % area),
      );
      const flags = (wanted: string) =>
        kinds.includes(wanted as 'relu') ? Uint8Array.from(kinds, (own) => Number(own === wanted)) : null;
      return { ...layer, linear: flags('linear'), square: flags('square') };
    }),
  };
}

const NETWORKS: Record<string, FloatNetwork> = {
  'squares alone': withKinds(() => 'square'),
  'channels of squares beside channels of ReLUs': withKinds((c) => (c % 2 ? 'square' : 'relu')),
  'channels of squares beside linear channels': withKinds((c) => (c % 2 ? 'square' : 'linear')),
  'squares and ReLUs in one channel': withKinds((_, i) => (i % 2 ? 'square' : 'relu')),
  'all three kinds in one channel': withKinds((_, i) => (['square', 'relu', 'linear'] as const)[i % 3]),
  'all three kinds in all combinations': withKinds(
    (c, i) => (['square', 'relu', 'linear'] as const)[(c % 7) & (1 << (i % 3)) ? i % 3 : (c + 1) % 3],
  ),
};

const options = (ringBits: number) => ({
  ringBits,
  marginPercent: 150,
  calibrationImages: images.length,
  calibration: 'inputs' as const,
  input: { scaleBits: new Array(3).fill(ringBits - 4), limit: null },
  weightNorm: 2 ** 20,
});
const FACTS = {
  name: 'small',
  inputKind: 'picture' as const,
  head: 'softmax' as const,
  labels: Array.from({ length: 10 }, (_, i) => `class ${i}`),
  preprocessing: { height: 8, width: 8, mean: [0.5, 0.5, 0.5], std: [0.2, 0.2, 0.2] },
};

for (const [what, network] of Object.entries(NETWORKS)) {
  const ranges = measureRanges(network, images);

  test(`${what}: calibration values fit their gadgets with the margin, and elements of a channel one scale`, () => {
    for (const k of [8, 12, 16])
      for (const [l, planned] of planFixedPoint(network, ranges, options(k)).layers.entries()) {
        const layer = network.layers[l];
        const { squares, dropBits, scales } = planned;
        assert.ok(squares);
        for (const [c, product] of productScales(layer, planned).entries()) {
          assert.ok(1.5 * ranges[l].relu[c] * product < 2 ** (k - 1 + dropBits));
          assert.ok(1.5 * ranges[l].linear[c] * product < 2 ** 30 - 2 ** dropBits);
          assert.ok(1.5 * ranges[l].square[c] * product < 2 ** 30 - 2 ** squares.dropBits);
          const { square, other } = channelKinds(layer)[c];
          if (square)
            assert.equal(scales[c].toPrecision(12), ((product / 2 ** squares.dropBits) ** 2).toPrecision(12));
          if (other) assert.equal(scales[c], product * 2 ** (squares.shiftBits - dropBits));
        }
      }
  });

  test(`${what}: fixed point follows the float network`, () => {
    const plan = planFixedPoint(network, ranges, options(12));
    assert.deepEqual(readPlan(JSON.parse(JSON.stringify(plan))), plan);
    const fixed = quantizeNetwork(network, plan, FACTS);
    const runner = new FloatRunner(network);
    const errors = network.layers.map(() => ({ error: 0, value: 0 }));
    for (const image of images) {
      const float = runner.run(image);
      const { logits, tensors } = runInteger(fixed, quantizeImage(fixed.card, image), nearest);
      for (const [l, layer] of network.layers.entries()) {
        const last = l === network.layers.length - 1;
        const expected = last ? float[l] : activated(float[l], layer);
        const scales = last ? new Array(10).fill(2 ** plan.logitScaleBits) : plan.layers[l].scales;
        const got = last ? logits : tensors[l + 1];
        for (const [i, value] of expected.entries()) {
          const scale = scales[Math.floor((i * scales.length) / expected.length)];
          errors[l].error += (got[i] / scale - value) ** 2;
          errors[l].value += value ** 2;
        }
      }
    }
    for (const [l, { error, value }] of errors.entries())
      assert.ok(Math.sqrt(error / value) < 0.02, `layer ${l}: ${Math.sqrt(error / value)}`);
  });
}

test('behind squares of squares a ReLU keeps twice the margin, with two bits more', async () => {
  const b = new OnnxBuilder(INPUT, 12);
  const same = { pads: [1, 1, 1, 1] };
  const first = b.quadratic(b.conv('image', 3, 6, 3, same), 6);
  const early = b.node('Relu', [b.conv(first, 6, 6, 3, same)]);
  const second = b.quadratic(b.conv(early, 6, 6, 3, same), 6);
  const late = b.node('Relu', [b.conv(second, 6, 6, 3, same)]);
  const network = await importOnnx(b.finish(b.classifier(late, 6, 10)));
  const ranges = measureRanges(network, images);
  const { layers } = planFixedPoint(network, ranges, options(12));
  const bits = layers.map(({ ringBits, squares }) => (squares ? 'squares' : ringBits));
  assert.deepEqual(bits, ['squares', 12, 'squares', 14]);
  for (const [l, margin] of [
    [1, 1.5],
    [3, 1.5 ** 2],
  ]) {
    const used = layers[l].scales.map((scale, c) => ranges[l].relu[c] * scale);
    const room = 2 ** (layers[l].ringBits - 1);
    assert.ok(Math.max(...used) < room / margin && Math.max(...used) > (0.9 * room) / margin, String(l));
  }
});

test('a bias that cancels a large sum leaves squares fewer bits, and is no reason to refuse them', () => {
  const shape = (channels: number) => ({ channels, height: 1, width: 1 });
  const layer = (name: string, tensor: number, kernel: Float64Array, channels: number, bias = 0) => ({
    ...{ name, output: shape(channels), kernels: [kernel], bias: new Float64Array(channels).fill(bias) },
    terms: [{ ...ONE_BY_ONE, tensor }],
    linear: null,
    square: channels === 2 ? null : new Uint8Array(channels).fill(1),
  });
  const network: FloatNetwork = {
    input: shape(64),
    layers: [
      layer(
        'same',
        0,
        Float64Array.from({ length: 64 * 64 }, (_, i) => Number(i % 65 === 0)),
        64,
      ),
      layer('sum', 1, new Float64Array(64).fill(1), 1, -58),
      layer('logits', 2, Float64Array.of(1, -1), 2),
    ],
  };
  const inputs = Array.from({ length: 100 }, () =>
    Float32Array.from({ length: 64 }, () => 0.9 + 0.1 * builder.random()),
  );
  const ranges = measureRanges(network, inputs);
  const input = { scaleBits: new Array(64).fill(10), limit: null };
  const plan = planFixedPoint(network, ranges, { ...options(12), weightNorm: 2 ** 13, input });
  const facts = {
    ...FACTS,
    inputKind: 'vector' as const,
    labels: ['up', 'down'],
    preprocessing: { ...FACTS.preprocessing, ...{ mean: [], std: [] } },
  };
  const fixed = quantizeNetwork(network, plan, {
    ...facts,
    preprocessing: { height: 1, width: 1, mean: new Array(64).fill(0), std: new Array(64).fill(1) },
  });
  const runner = new FloatRunner(network);
  for (const values of inputs) {
    const { logits } = runInteger(fixed, quantizeImage(fixed.card, values), nearest);
    const expected = runner.run(values)[2];
    // The sum's weights of about 116 units round its 58 by up to 0.08, and it is squared.
    assert.ok(Math.abs(logits[0] / 2 ** fixed.card.logitScaleBits - expected[0]) < 0.4);
  }
});

test('values so large that elements beside squares would keep no bits are refused, with what to do', () => {
  const { input, layers } = NETWORKS['squares and ReLUs in one channel'];
  const logits = layers[layers.length - 1];
  const network = {
    input,
    layers: [
      layers[0],
      { ...logits, terms: [{ ...logits.terms[0], tensor: 1 }], kernels: [logits.kernels[0].slice(0, 80)] },
    ],
  };
  const ranges = measureRanges(network, images);
  const loud = (factor: number): LayerRanges[] =>
    ranges.map((range, l) => {
      if (l > 0) return range;
      const times = (values: Float64Array) => values.map((value) => value * factor);
      return { relu: times(range.relu), linear: range.linear, square: times(range.square) };
    });
  assert.throws(() => planFixedPoint(network, loud(2 ** 40), options(12)), {
    code: 'model/unsupported',
    message: /square whole channels/,
  });
  for (const factor of [2 ** -10, 2 ** 10])
    for (const { squares } of planFixedPoint(network, loud(factor), options(12)).layers)
      assert.ok(squares!.shiftBits >= 0 && squares!.shiftBits <= 20 && squares!.dropBits >= 6);
});

test('a layer whose kernels are all zero gets finite scales and bits', () => {
  for (const network of Object.values(NETWORKS)) {
    const [first, ...rest] = network.layers;
    const dead = {
      ...network,
      layers: [
        { ...first, kernels: [first.kernels[0].map(() => 0)], bias: first.bias.map(() => 0) },
        ...rest,
      ],
    };
    const ranges = measureRanges(dead, images);
    for (const { scales, squares } of planFixedPoint(dead, ranges, options(12)).layers)
      assert.ok(squares && scales.every((scale) => scale > 0 && Number.isFinite(scale)));
  }
});

test('a plan without squares for a network that has them is refused, and the other way round', () => {
  const squared = NETWORKS['squares alone'];
  const own = planFixedPoint(squared, measureRanges(squared, images), options(12));
  const other = planFixedPoint(plain, measureRanges(plain, images), options(12));
  for (const [network, plan] of [
    [squared, other],
    [plain, own],
  ] as const)
    assert.throws(() => quantizeNetwork(network, plan, FACTS), { code: 'model/format', message: /squares/ });
});
