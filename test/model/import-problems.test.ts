import assert from 'node:assert/strict';
import { test } from 'node:test';
import { runReference } from '../../cli/import/reference.ts';
import { importGraph, importOnnx } from '../../importer/import-onnx.ts';
import { FloatRunner } from '../../model/float-network.ts';
import { OnnxBuilder } from '../support/onnx-builder.ts';

const INPUT = { channels: 3, height: 8, width: 8 };

type Build = (b: OnnxBuilder, x: string) => string;

async function problems(build: Build): Promise<string[]> {
  const b = new OnnxBuilder(INPUT, 1);
  const logits = b.classifier(build(b, b.conv('image', 3, 4, 3)), 4, 3);
  const error = await importOnnx(b.finish(logits)).then(
    () => assert.fail('it was imported'),
    (error: { code: string; message: string }) => error,
  );
  assert.equal(error.code, 'model/unsupported');
  return error.message.split('\n').slice(1);
}

const gate = (b: OnnxBuilder, x: string) =>
  b.node('Sigmoid', [b.conv(b.node('GlobalAveragePool', [x]), 4, 4, 1)]);
const tokens = (b: OnnxBuilder, x: string) =>
  b.node('Transpose', [b.node('Reshape', [x, b.integers([1, 4, -1])])], { perm: [0, 2, 1] });

const PROBLEMS: Record<string, { build: Build; found: RegExp[] }> = {
  'a SiLU, which is one activation': {
    build: (b, x) => b.node('Mul', [x, b.node('Sigmoid', [x])]),
    found: [/^Sigmoid .*put a Relu in its place .*replace the whole SiLU by a Relu/],
  },
  'a squeeze-and-excitation, whose product stays when its Sigmoid goes': {
    build: (b, x) => b.node('Mul', [x, gate(b, x)]),
    found: [/^Sigmoid /, /^Mul .*it multiplies two values/],
  },
  'attention, with both of its products': {
    build: (b, x) => {
      const [q, k, v] = [1, 2, 3].map(() => b.node('MatMul', [tokens(b, x), b.constant([4, 4])]));
      const scores = b.node('Softmax', [
        b.node('MatMul', [q, b.node('Transpose', [k], { perm: [0, 2, 1] })]),
      ]);
      const mixed = b.node('Transpose', [b.node('MatMul', [scores, v])], { perm: [0, 2, 1] });
      return b.node('Reshape', [mixed, b.integers([1, 4, 6, 6])]);
    },
    found: [
      /^MatMul .*products of two computed values/,
      /^Softmax .*in attention/,
      /^MatMul .*multiplies two values/,
    ],
  },
  noise: {
    build: (b, x) => b.node('Add', [x, b.node('RandomNormal', [], { shape: [1, 4, 6, 6] })]),
    found: [/^RandomNormal .*it is random/],
  },
  'a normalisation by an operator': {
    build: (b, x) => b.node('InstanceNormalization', [x, b.constant([4]), b.constant([4])]),
    found: [/statistics of the image.*put a BatchNormalization in its place.*train a few more epochs/],
  },
  'a normalisation that older exports write out': {
    build: (b, x) => {
      const centred = b.node('Sub', [x, b.node('ReduceMean', [x], { axes: [1] })]);
      const variance = b.node('ReduceMean', [b.node('Mul', [centred, centred])], { axes: [1] });
      return b.node('Div', [centred, b.node('Sqrt', [variance])]);
    },
    found: [/^Sqrt .*LayerNorm.*BatchNormalization/, /^Div .*put a BatchNormalization in its place/],
  },
  'quantised activations': {
    build: (b, x) => b.node('QuantizeLinear', [x, b.values([], [0.1])]),
    found: [/^QuantizeLinear .*export the network in floats/],
  },
};

for (const [what, { build, found }] of Object.entries(PROBLEMS))
  test(`every node that cannot be run is named once, with what to do: ${what}`, async () => {
    const lines = await problems(build);
    assert.equal(lines.length, found.length, lines.join('\n'));
    for (const [i, expected] of found.entries()) assert.match(lines[i], expected);
  });

test('operators of other sets are refused with what to do', async () => {
  const b = new OnnxBuilder(INPUT, 1);
  const logits = b.classifier(b.node('Identity', ['image']), 3, 3);
  const { default: onnxProto } = await import('onnx-proto');
  const model = onnxProto.onnx.ModelProto.decode(b.finish(logits));
  Object.assign(model.graph!.node![0], { domain: 'ai.onnx.ml', opType: 'Scaler' });
  await assert.rejects(importOnnx(onnxProto.onnx.ModelProto.encode(model).finish()), {
    code: 'model/unsupported',
    message: /ai\.onnx\.ml is not a supported set of operators: .*--mean and --std/,
  });
});

test('a part of a Split that nothing reads stays an output for the runtime, which may not lack it', async () => {
  const b = new OnnxBuilder(INPUT, 1);
  const [half] = b.nodes('Split', [b.conv('image', 3, 4, 3)], 2, { axis: 1 });
  const { network, runtime } = await importGraph(b.finish(b.classifier(b.node('Relu', [half]), 2, 3)));
  const image = Float32Array.from({ length: 192 }, (_, i) => Math.sin(i));
  const logits = new FloatRunner(network).run(image).at(-1)!;
  const { importError } = await runReference(runtime, [image], [logits], { name: 'any', value: 1 });
  assert.ok(importError !== null && importError < 1e-5);
});
