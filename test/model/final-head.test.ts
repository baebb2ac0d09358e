import assert from 'node:assert/strict';
import { test } from 'node:test';
import { FloatRuntime } from '../../importer/float-runtime.ts';
import { importGraph } from '../../importer/import-onnx.ts';
import { FloatRunner } from '../../model/float-network.ts';
import type { OutputHead } from '../../model/head.ts';
import { OnnxBuilder } from '../support/onnx-builder.ts';
import { referenceLogits } from '../support/onnx-reference.ts';
import { assertClose } from './against-runtime.ts';

const INPUT = { channels: 3, height: 4, width: 4 };

/** A network with `outputs` numbers as [1, outputs], or as the map [1, outputs, 1, 1]. */
function numbers(b: OnnxBuilder, outputs: number, map = false): string {
  const hidden = b.node('Relu', [b.conv('image', 3, 4, 3)]);
  if (!map) return b.classifier(hidden, 4, outputs);
  return b.conv(b.node('GlobalAveragePool', [hidden]), 4, outputs, 1);
}

const ENDS: [string, (b: OnnxBuilder) => string, OutputHead, boolean, string][] = [
  ['logits of several classes', (b) => numbers(b, 3), 'softmax', false, ''],
  ['a single logit', (b) => numbers(b, 1), 'sigmoid', false, ''],
  ['a Softmax', (b) => b.node('Softmax', [numbers(b, 3)]), 'softmax', true, 'Softmax'],
  ['a LogSoftmax', (b) => b.node('LogSoftmax', [numbers(b, 3)], { axis: 1 }), 'softmax', true, 'LogSoftmax'],
  [
    'the logarithm of a Softmax',
    (b) => b.node('Log', [b.node('Softmax', [numbers(b, 3)])]),
    'softmax',
    true,
    'Softmax,Log',
  ],
  ['a Sigmoid of one number', (b) => b.node('Sigmoid', [numbers(b, 1)]), 'sigmoid', true, 'Sigmoid'],
  ['a Sigmoid of several', (b) => b.node('Sigmoid', [numbers(b, 3)]), 'multi-label', true, 'Sigmoid'],
  ['an ArgMax', (b) => b.node('ArgMax', [numbers(b, 3)], { axis: 1 }), 'softmax', true, 'ArgMax'],
  [
    'an ArgMax of a Softmax, without the axis',
    (b) => b.node('ArgMax', [b.node('Softmax', [numbers(b, 3)])], { axis: -1, keepdims: 0 }),
    'softmax',
    true,
    'Softmax,ArgMax',
  ],
  [
    'a Softmax over the channels of a map, which is flattened then',
    (b) => b.node('Flatten', [b.node('Softmax', [numbers(b, 3, true)], { axis: 1 })]),
    'softmax',
    true,
    'Softmax',
  ],
  [
    'a Sigmoid of a map, squeezed and reshaped',
    (b) =>
      b.node('Reshape', [
        b.node('Squeeze', [b.node('Sigmoid', [numbers(b, 4, true)]), b.integers([2, 3])]),
        b.integers([-1, 2, 2]),
      ]),
    'multi-label',
    true,
    'Sigmoid',
  ],
  [
    'numbers along several axes',
    (b) => b.node('Reshape', [numbers(b, 6), b.integers([-1, 2, 3])]),
    'values',
    false,
    '',
  ],
];
for (const [what, build, head, stated, operators] of ENDS)
  test(`a network that ends in ${what} has the head ${head}, and its logits are the runtime's`, async () => {
    const b = new OnnxBuilder(INPUT, 3);
    const { network, head: found, runtime: model } = await importGraph(b.finish(build(b)));
    assert.deepEqual([found.head, found.stated, found.operators.join()], [head, stated, operators]);
    const runtime = await FloatRuntime.create(model.encode(), model.dims, model.order);
    const image = Float32Array.from({ length: 48 }, () => b.random() * 4 - 2);
    const logits = new FloatRunner(network).run(image).at(-1)!;
    assert.ok(logits.some((logit) => Math.abs(logit) > 1e-3));
    assertClose(logits, await runtime.logits(image));
  });

const sigmoid = (x: number) => 1 / (1 + Math.exp(-x));

/** The logits of a file, what the runtime computes of the whole file, and the output's meaning. */
async function wholeFile(build: (b: OnnxBuilder) => string) {
  const b = new OnnxBuilder(INPUT, 3);
  const file = b.finish(build(b));
  const image = Float32Array.from({ length: 48 }, () => b.random() * 4 - 2);
  const { network, head } = await importGraph(file);
  const logits = new FloatRunner(network).run(image).at(-1)!;
  return { logits, head, outputs: await referenceLogits(file, INPUT, image) };
}

const turned = (b: OnnxBuilder) => {
  const map = b.node('Reshape', [numbers(b, 15), b.integers([-1, 3, 5])]);
  return b.node('Transpose', [b.node('Sigmoid', [map])], { perm: [0, 2, 1] });
};

test('logits keep the order of probabilities that a Transpose moved behind the Sigmoid', async () => {
  for (const end of ['Identity', 'Flatten'] as const) {
    const { logits, head, outputs } = await wholeFile((b) => b.node(end, [turned(b)]));
    assert.equal(head.head, 'multi-label');
    assertClose(logits.map(sigmoid), outputs);
  }
});

test('an ArgMax counts probabilities in the order to which a Transpose moved them', async () => {
  const { logits, head, outputs } = await wholeFile((b) =>
    b.node('Cast', [b.node('ArgMax', [b.node('Flatten', [turned(b)])], { axis: 1, keepdims: 0 })], { to: 1 }),
  );
  assert.equal(head.head, 'softmax');
  assert.equal(logits.indexOf(Math.max(...logits)), outputs[0]);
});

test('probabilities without a batch axis keep their meaning', async () => {
  const { logits, head, outputs } = await wholeFile((b) =>
    b.node('Squeeze', [b.node('Sigmoid', [numbers(b, 3)])]),
  );
  assert.deepEqual([head.head, head.stated], ['multi-label', true]);
  assertClose(logits.map(sigmoid), outputs);
});

const WRONG: [string, (b: OnnxBuilder) => string, RegExp][] = [
  [
    'a Softmax of a single number',
    (b) => b.node('Softmax', [numbers(b, 1)]),
    /reads a single number.*Sigmoid/,
  ],
  [
    'an ArgMax of a single number',
    (b) => b.node('ArgMax', [numbers(b, 1)], { axis: 1 }),
    /same for every input/,
  ],
  [
    'a Softmax over an axis of size 1',
    (b) => b.node('Softmax', [numbers(b, 3, true)], { axis: -1 }),
    /axis -1 of 1x3x1x1, which is not that of all 3 outputs/,
  ],
  [
    'an ArgMax over the batch',
    (b) => b.node('ArgMax', [numbers(b, 3)]),
    /axis 0 of 1x3, which is not that of all 3/,
  ],
  [
    'a Softmax over a part of the outputs',
    (b) => b.node('Softmax', [b.node('Reshape', [numbers(b, 6), b.integers([-1, 2, 3])])], { axis: 2 }),
    /axis 2 of 1x2x3/,
  ],
  [
    'an ArgMax over a part of the probabilities',
    (b) => {
      const probabilities = b.node('Softmax', [numbers(b, 6)]);
      return b.node('ArgMax', [b.node('Reshape', [probabilities, b.integers([-1, 2, 3])])], { axis: 1 });
    },
    /ArgMax .* axis 1 of 1x2x3, which is not that of all 6/,
  ],
  [
    'a Softmax of a Softmax',
    (b) => b.node('Softmax', [b.node('Softmax', [numbers(b, 3)])]),
    /only the output may go through a Softmax/,
  ],
];
for (const [what, build, message] of WRONG)
  test(`a network that ends in ${what} is refused with the reason`, async () => {
    const b = new OnnxBuilder(INPUT, 3);
    await assert.rejects(importGraph(b.finish(build(b))), { code: 'model/unsupported', message });
  });
