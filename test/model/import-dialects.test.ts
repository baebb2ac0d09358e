import assert from 'node:assert/strict';
import { test } from 'node:test';
import onnxProto from 'onnx-proto';
import { importOnnx } from '../../importer/import-onnx.ts';
import { OnnxBuilder } from '../support/onnx-builder.ts';
import { agrees, agreesInAnyLayout } from './against-runtime.ts';

const { AttributeProto, ModelProto } = onnxProto.onnx;
const SAME = { pads: [1, 1, 1, 1] };
const SIZES = [1, 3, 8, 8];

test('a CastLike of a constant is a constant of the type of the value beside it', async () => {
  await agrees((b) => {
    const x = b.conv('image', 3, 4, 3, SAME);
    const [low, high] = [-0.2, 0.4].map((bound) => b.node('CastLike', [b.values([], [bound]), x]));
    const clipped = b.node('Clip', [x, low, high]);
    const added = b.node('Add', [clipped, b.node('CastLike', [b.integers([3]), clipped])]);
    return b.classifier(b.node('Relu', [added]), 4, 3);
  });
});

test('a CastLike of weights that are filled or decompressed is one of floats', async () => {
  await agrees((b) => {
    const filled = b.node('ConstantOfShape', [b.integers([4])]);
    const weights = b.node('DequantizeLinear', [b.bytes([4]), b.values([], [0.01])]);
    const [a, c] = [filled, weights].map((like) => b.node('CastLike', [b.constant([1, 4]), like]));
    return b.node('Add', [b.node('Add', [b.classifier('image', 3, 4), a]), c]);
  });
});

test('a CastLike of sizes stays one of integers', async () => {
  await agrees((b) => {
    const x = b.node('Relu', [b.conv('image', 3, 4, 3, SAME)]);
    const whole = b.node('CastLike', [b.values([3], [1, 4, 64]), b.node('Shape', [x])]);
    const flat = b.node('Relu', [b.node('Reshape', [x, whole])]);
    const map = b.node('Reshape', [flat, b.integers([1, 4, 8, 8])]);
    return b.classifier(b.node('CastLike', [map, x]), 4, 3);
  });
});

test('elements of a SplitToSequence are slices of the value', async () => {
  await agrees((b) => {
    const x = b.node('Relu', [b.conv('image', 3, 5, 3, SAME)]);
    const at = (sequence: string, index: number) => b.node('SequenceAt', [sequence, b.integer(index)]);
    const listed = b.node('SplitToSequence', [x, b.integers([1, 2, 2])], { axis: 1 });
    const halves = b.node('SplitToSequence', [x, b.integer(2)], { axis: 1 });
    const rows = b.node('SplitToSequence', [x], { axis: 2, keepdims: 1 });
    const channels = b.node('SplitToSequence', [x], { axis: 1, keepdims: 0 });
    const alone = b.node('Unsqueeze', [at(channels, -2), b.integers([1])]);
    const parts = [at(listed, -1), at(halves, 0), at(halves, 2), alone, b.node('Add', [x, at(rows, -1)])];
    return b.classifier(b.node('Relu', [b.node('Concat', parts, { axis: 1 })]), 11, 3);
  });
});

test('a sequence of values is joined, along an axis of theirs or a new one', async () => {
  await agrees((b) => {
    const [x, y] = [b.conv('image', 3, 2, 3, SAME), b.conv('image', 3, 2, 3, SAME)];
    const sequence = b.node('SequenceConstruct', [x, y]);
    const joined = b.node('Relu', [b.node('ConcatFromSequence', [sequence], { axis: 1 })]);
    const stacked = b.node('ConcatFromSequence', [sequence], { axis: 1, new_axis: 1 });
    const flat = b.node('Relu', [b.node('Reshape', [stacked, b.integers([1, 4, 8, 8])])]);
    const last = b.node('SequenceAt', [sequence, b.integer(-1)]);
    const all = b.node('Concat', [joined, flat, b.node('Relu', [last])], { axis: 1 });
    return b.classifier(all, 10, 3);
  });
});

/** A file with functions of its own: an activation that another one calls, with a slope of the call. */
function withFunctions(change: (model: onnxProto.onnx.IModelProto) => void = () => {}): Uint8Array {
  const builder = new OnnxBuilder({ channels: 3, height: 8, width: 8 }, 1);
  const first = builder.node('LeakyRelu', [builder.conv('image', 3, 4, 3, SAME)], { alpha: 0.3 });
  const second = builder.node('LeakyRelu', [builder.conv(first, 4, 4, 3, SAME)], { alpha: 0.1 });
  const model = ModelProto.decode(builder.finish(builder.classifier(second, 4, 3), SIZES));
  const opsetImport = [...model.opsetImport, { domain: 'own', version: 1 }];
  model.opsetImport = opsetImport as typeof model.opsetImport;
  for (const node of model.graph!.node!.filter(({ opType }) => opType === 'LeakyRelu')) {
    node.opType = 'Doubled';
    node.domain = 'own';
    node.attribute![0].name = 'slope';
  }
  const slope = (name: string) => [{ name, refAttrName: 'slope', type: AttributeProto.AttributeType.FLOAT }];
  const call = { domain: 'own', opType: 'Leaky', name: 'call', attribute: slope('slope') };
  const leaky = { opType: 'LeakyRelu', input: ['x'], output: ['y'], attribute: slope('alpha') };
  model.functions = [
    {
      ...{ name: 'Doubled', domain: 'own', input: ['x'], output: ['z'], attribute: ['slope'], opsetImport },
      node: [
        { ...call, input: ['x'], output: ['y'] },
        { opType: 'Add', input: ['y', 'y'], output: ['z'] },
      ],
    },
    {
      ...{ name: 'Leaky', domain: 'own', input: ['x'], output: ['y'], attribute: ['slope'], opsetImport },
      node: [leaky],
    },
  ] as typeof model.functions;
  change(model);
  return ModelProto.encode(model).finish();
}

test('functions of the file take the place of the nodes that call them', async () => {
  await agreesInAnyLayout(() => '', SIZES, 1, undefined, withFunctions());
});

test('functions that call themselves are refused', async () => {
  const file = withFunctions((model) => {
    model.functions![0].node![0].opType = 'Doubled';
  });
  await assert.rejects(importOnnx(file), {
    code: 'model/format',
    message: /call one another more than 16 deep/,
  });
});

test('functions without nodes that call one another are refused before they take time', async () => {
  const file = withFunctions((model) => {
    const { opsetImport } = model;
    for (let i = 0; i < 15; i++) {
      const calls = i === 0 ? 0 : 10;
      const node = Array.from({ length: calls }, () => ({ opType: `F${i - 1}`, domain: 'own' }));
      model.functions!.push({ name: `F${i}`, domain: 'own', node, opsetImport } as never);
    }
    model.graph!.node!.push({ opType: 'F14', domain: 'own' } as never);
  });
  await assert.rejects(importOnnx(file), { code: 'model/format', message: /make more than 20000 nodes/ });
});

test('functions that multiply each other are refused before they take memory', async () => {
  const file = withFunctions((model) => {
    const opsetImport = model.opsetImport;
    for (let i = 0; i < 12; i++) {
      const inner = i === 0 ? { opType: 'Neg' } : { opType: `F${i - 1}`, domain: 'own' };
      const node = Array.from({ length: 10 }, (_, k) => ({
        ...inner,
        input: [k === 0 ? 'x' : `v${k - 1}`],
        output: [`v${k}`],
      }));
      model.functions!.push({
        name: `F${i}`,
        domain: 'own',
        input: ['x'],
        output: ['v9'],
        node,
        opsetImport,
      } as never);
    }
    model.graph!.node!.push({ opType: 'F11', domain: 'own', input: ['image'], output: ['unread'] } as never);
  });
  await assert.rejects(importOnnx(file), { code: 'model/format', message: /make more than 20000 nodes/ });
});

test('functions of many inputs that are called often are refused before they take time', async () => {
  const file = withFunctions((model) => {
    const input = Array.from({ length: 2000 }, (_, i) => `x${i}`);
    model.functions!.push({ name: 'Wide', domain: 'own', input, opsetImport: model.opsetImport } as never);
    for (let i = 0; i < 600; i++) model.graph!.node!.push({ opType: 'Wide', domain: 'own' } as never);
  });
  await assert.rejects(importOnnx(file), { code: 'model/format', message: /name more than 1000000 values/ });
});

test('an attribute whose default in a function cannot be read is named', async () => {
  const file = withFunctions((model) => {
    model.functions![0].attribute = [];
    model.graph!.node!.find(({ opType }) => opType === 'Doubled')!.attribute = [];
  });
  await assert.rejects(importOnnx(file), { code: 'model/unsupported', message: /has a default for "slope"/ });
});
