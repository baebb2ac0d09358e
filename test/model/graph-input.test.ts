import assert from 'node:assert/strict';
import { test } from 'node:test';
import onnxProto from 'onnx-proto';
import * as ort from 'onnxruntime-web';
import { factsOf } from '../../cli/import/facts.ts';
import { FloatRuntime } from '../../importer/float-runtime.ts';
import { importGraph } from '../../importer/import-onnx.ts';
import { FloatRunner } from '../../model/float-network.ts';
import type { InputKind } from '../../model/input-kind.ts';
import { OnnxBuilder } from '../support/onnx-builder.ts';
import { assertClose } from './against-runtime.ts';

const { ModelProto, TensorProto } = onnxProto.onnx;

const ANY = { channels: 1, height: 1, width: 1 };

function dense(b: OnnxBuilder, input: string, from: number, to: number): string {
  return b.node('Gemm', [input, b.constant([to, from]), b.constant([to])], { transB: 1 });
}

/** Two dense layers on the flattened input. */
const perceptron = (length: number) => (b: OnnxBuilder) =>
  dense(b, b.node('Relu', [dense(b, b.node('Flatten', ['image']), length, 12)]), 12, 3);

/** Convolutions, a pool and a batch norm along one dimension. */
function signalNetwork(b: OnnxBuilder, input: string, channels: number): string {
  const conv = (from: string, ins: number, outs: number, attributes: Record<string, number[]>) =>
    b.node('Conv', [from, b.constant([outs, ins, 5]), b.constant([outs])], attributes);
  const first = b.node('Relu', [b.batchNorm(conv(input, channels, 6, { pads: [2, 2] }), 6)]);
  const pooled = b.node('MaxPool', [first], { kernel_shape: [2], strides: [2] });
  const second = b.node('Relu', [conv(pooled, 6, 8, { strides: [2], pads: [2, 2] })]);
  const mean = b.node('AveragePool', [second], { kernel_shape: [2], strides: [2] });
  return b.classifier(mean, 8, 3);
}

const INPUTS: [string, (number | string)[], (b: OnnxBuilder) => string, InputKind, string][] = [
  [
    'a vector',
    ['N', 30],
    (b) => dense(b, b.node('Relu', [dense(b, 'image', 30, 12)]), 12, 3),
    'vector',
    '30x1x1',
  ],
  ['a vector in a batch of 4', [4, 30], perceptron(30), 'vector', '30x1x1'],
  ['rows and columns of one size', ['N', 8, 8], perceptron(64), 'picture', '1x8x8'],
  [
    'rows and columns that become a map',
    ['N', 8, 8],
    (b) => {
      const map = b.node('Unsqueeze', ['image', b.integers([1])]);
      return b.classifier(b.node('Relu', [b.conv(map, 1, 4, 3, { pads: [1, 1, 1, 1] })]), 4, 3);
    },
    'picture',
    '1x8x8',
  ],
  ['channels and samples', ['N', 3, 20], perceptron(60), 'signal', '3x1x20'],
  [
    'channels that are convolved along time',
    ['N', 3, 24],
    (b) => signalNetwork(b, 'image', 3),
    'signal',
    '3x1x24',
  ],
  [
    'as many channels as samples, convolved',
    ['N', 16, 16],
    (b) => signalNetwork(b, 'image', 16),
    'signal',
    '16x1x16',
  ],
  [
    'samples with the channels last',
    ['N', 24, 3],
    (b) => signalNetwork(b, b.node('Transpose', ['image'], { perm: [0, 2, 1] }), 3),
    'signal',
    '3x1x24',
  ],
  [
    'four channels of a map',
    ['N', 4, 6, 6],
    (b) => b.classifier(b.node('Relu', [b.conv('image', 4, 5, 3)]), 5, 3),
    'signal',
    '4x6x6',
  ],
  [
    'a grey map',
    ['N', 1, 6, 6],
    (b) => b.classifier(b.node('Relu', [b.conv('image', 1, 5, 3)]), 5, 3),
    'picture',
    '1x6x6',
  ],
  [
    'a map of one row',
    ['N', 3, 1, 20],
    (b) => b.classifier(b.node('Relu', [b.node('Conv', ['image', b.constant([5, 3, 1, 3])])]), 5, 3),
    'signal',
    '3x1x20',
  ],
  ['a map of single elements', ['N', 30, 1, 1], perceptron(30), 'vector', '30x1x1'],
];
for (const [what, sizes, build, kind, shape] of INPUTS)
  test(`${what} of ${sizes.join('x')} is a ${kind}, and the logits are the runtime's`, async () => {
    const b = new OnnxBuilder(ANY, 5);
    const { network, inputKind, runtime: model } = await importGraph(b.finish(build(b), sizes));
    const { channels, height, width } = network.input;
    assert.deepEqual([inputKind, `${channels}x${height}x${width}`], [kind, shape]);
    const values = Float32Array.from({ length: channels * height * width }, () => b.random() * 4 - 2);
    const runtime = await FloatRuntime.create(model.encode(), model.dims, model.order);
    const logits = new FloatRunner(network).run(values).at(-1)!;
    assertClose(logits, await runtime.logits(values));
    assert.ok(logits.some((logit) => Math.abs(logit) > 1e-3));
  });

test('an input is what it is asked to be where its sizes allow it', async () => {
  const b = new OnnxBuilder(ANY, 5);
  const square = b.finish(perceptron(64)(b), ['N', 8, 8]);
  const kindOf = async (inputKind?: InputKind) => (await importGraph(square, { inputKind })).inputKind;
  assert.deepEqual(
    [await kindOf(), await kindOf('picture'), await kindOf('signal')],
    ['picture', 'picture', 'signal'],
  );
  await assert.rejects(kindOf('vector'), {
    code: 'model/unsupported',
    message: /8x8 is no vector: it can be a picture or a signal/,
  });
});

for (const sizes of [['N'], ['N', 1, 2, 3, 4], ['N', 0], ['N', 'L'], ['N', 2 ** 16]])
  test(`an input of ${sizes.join('x')} is refused with what is expected`, async () => {
    const b = new OnnxBuilder(ANY, 5);
    await assert.rejects(importGraph(b.finish(perceptron(24)(b), sizes)), {
      code: /^model\/(format|unsupported)$/,
      message: /expected \[batch, numbers\]|must be fixed and from 1 to/,
    });
  });

/** A network for pictures of bytes, which `head` makes floats of. */
function bytesNetwork(head: (b: OnnxBuilder) => string): Uint8Array {
  const b = new OnnxBuilder(ANY, 5);
  const floats = b.node('Mul', [head(b), b.values([], [1 / 255])]);
  const file = b.finish(b.classifier(b.node('Relu', [b.conv(floats, 3, 4, 3)]), 4, 3), ['N', 8, 8, 3]);
  const model = ModelProto.decode(file);
  model.graph!.input![0].type!.tensorType!.elemType = TensorProto.DataType.UINT8;
  return ModelProto.encode(model).finish();
}

const moved = (b: OnnxBuilder) => b.node('Transpose', ['image'], { perm: [0, 3, 1, 2] });

test('a picture of bytes is scaled to them, and the logits are the runtime’s of bytes', async () => {
  const file = bytesNetwork((b) => b.node('Cast', [moved(b)], { to: TensorProto.DataType.FLOAT }));
  const graph = await importGraph(file);
  const { preprocessing, inputKind } = await factsOf('bytes.onnx', graph, {});
  assert.deepEqual([inputKind, graph.bytes], ['picture', true]);
  assert.deepEqual([preprocessing.mean, preprocessing.std], [[0, 0, 0], new Array(3).fill(1 / 255)]);
  const pixels = Uint8Array.from({ length: 192 }, (_, i) => (97 * i) % 256);
  const session = await ort.InferenceSession.create(file);
  const { data } = Object.values(
    await session.run({ image: new ort.Tensor('uint8', pixels, [1, 8, 8, 3]) }),
  )[0];
  const values = Float32Array.from({ length: 192 }, (_, i) => pixels[(i % 64) * 3 + Math.floor(i / 64)]);
  assertClose(new FloatRunner(graph.network).run(values).at(-1)!, data as Float32Array);
  const runtime = await FloatRuntime.create(graph.runtime.encode(), graph.runtime.dims, graph.runtime.order);
  assertClose(await runtime.logits(values), data as Float32Array);
});

test('arithmetic on the integers of an input is refused, as it wraps around', async () => {
  const file = bytesNetwork((b) => {
    const twice = b.node('Add', ['image', 'image']);
    return b.node('Cast', [twice], { to: TensorProto.DataType.FLOAT });
  });
  await assert.rejects(importGraph(file), {
    code: 'model/unsupported',
    message: /input "image": its numbers are integers, and Add "add_\d+" computes with them before a Cast/,
  });
});
