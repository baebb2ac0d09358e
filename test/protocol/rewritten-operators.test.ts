import assert from 'node:assert/strict';
import { test } from 'node:test';
import { importOnnx } from '../../importer/import-onnx.ts';
import { nearest, runInteger } from '../../model/executor.ts';
import { planFixedPoint } from '../../model/fixed-point/planner.ts';
import { quantizeNetwork } from '../../model/fixed-point/quantize.ts';
import { measureRanges } from '../../model/fixed-point/ranges.ts';
import { carriesOf, errorsOf, infer, prepare } from '../support/both-roles.ts';
import { OnnxBuilder } from '../support/onnx-builder.ts';
import { referenceLogits } from '../support/onnx-reference.ts';

const INPUT = { channels: 2, height: 8, width: 8 };
const IMAGE_SCALE_BITS = 8;
const MAP = { pads: [1, 1, 1, 1] };
const HALF = { kernel_shape: [2, 2], strides: [2, 2] };

/** Files in which an activation or a pool stands between linear layers. */
const files: Record<string, (b: OnnxBuilder) => string> = {
  'a max pool after a ReLU': (b) =>
    b.classifier(b.node('MaxPool', [b.node('Relu', [b.conv('image', 2, 4, 3, MAP)])], HALF), 4, 3),
  'a max pool with pads': (b) => {
    const x = b.node('Relu', [b.conv('image', 2, 3, 3, MAP)]);
    const window = { kernel_shape: [3, 3], strides: [2, 2], ...MAP };
    return b.classifier(b.node('MaxPool', [x], window), 3, 3);
  },
  'a max pool of values of either sign': (b) =>
    b.classifier(b.node('MaxPool', [b.conv('image', 2, 4, 3)], HALF), 4, 3),
  'a max pool with pads of values of either sign': (b) => {
    const window = { kernel_shape: [3, 3], strides: [2, 2], ...MAP };
    return b.classifier(b.node('MaxPool', [b.conv('image', 2, 3, 3, MAP)], window), 3, 3);
  },
  'Relu6 before a padded convolution': (b) => {
    const bounds = [b.values([], [0]), b.values([], [0.8])];
    const x = b.node('Clip', [b.conv('image', 2, 4, 3, MAP), ...bounds]);
    return b.classifier(b.node('Relu', [b.conv(x, 4, 4, 3, MAP)]), 4, 3);
  },
  'LeakyRelu and PRelu': (b) => {
    const x = b.node('LeakyRelu', [b.conv('image', 2, 4, 3, MAP)]);
    return b.classifier(b.node('PRelu', [b.conv(x, 4, 3, 3, MAP), b.constant([3, 1, 1])]), 3, 3);
  },
};

for (const [what, build] of Object.entries(files))
  test(`${what}: private logits are the executor's bit for bit, and near the runtime's`, async () => {
    const b = new OnnxBuilder(INPUT, 7);
    const file = b.finish(build(b));
    const float = await importOnnx(file);
    const images = Array.from({ length: 8 }, () =>
      Float32Array.from({ length: 128 }, () => Math.round((b.random() * 4 - 2) * 256) / 256),
    );
    const plan = planFixedPoint(float, measureRanges(float, images), {
      ringBits: 14,
      marginPercent: 150,
      calibrationImages: images.length,
      calibration: 'inputs',
      input: { scaleBits: [IMAGE_SCALE_BITS, IMAGE_SCALE_BITS], limit: null },
      weightNorm: 2 ** 13,
    });
    const network = quantizeNetwork(float, plan, {
      name: 'rewritten',
      inputKind: 'signal',
      head: 'softmax',
      labels: ['a', 'b', 'c'],
      preprocessing: { width: 8, height: 8, mean: [0.5, 0.5], std: [0.25, 0.25] },
    });
    const [image] = images;
    const integers = Int32Array.from(image, (value) => value * 2 ** IMAGE_SCALE_BITS);
    const [preparation] = await prepare(network);
    const inference = await infer(network, preparation, integers);
    const executed = runInteger(
      network,
      integers,
      carriesOf(network, preparation, inference),
      errorsOf(network, preparation),
    );
    assert.deepEqual(inference.logits, executed.logits);
    const unit = 2 ** -network.card.logitScaleBits;
    const expected = await referenceLogits(file, INPUT, image);
    for (const logits of [executed.logits, runInteger(network, integers, nearest).logits])
      for (const [i, value] of expected.entries())
        assert.ok(Math.abs(logits[i] * unit - value) < 0.01, `${logits[i] * unit} instead of ${value}`);
  });
