import assert from 'node:assert/strict';
import { test } from 'node:test';
import onnxProto from 'onnx-proto';
import { importOnnx } from '../../importer/import-onnx.ts';
import { OnnxBuilder } from '../support/onnx-builder.ts';

const INPUT = { channels: 3, height: 8, width: 8 };

/** A sound file after one change of its graph. */
function changed(change: (graph: onnxProto.onnx.IGraphProto) => void): Uint8Array {
  const b = new OnnxBuilder(INPUT, 1);
  const file = b.finish(b.classifier(b.node('Relu', [b.conv('image', 3, 4, 3)]), 4, 2));
  const model = onnxProto.onnx.ModelProto.decode(file);
  change(model.graph!);
  return onnxProto.onnx.ModelProto.encode(model).finish();
}

function graphOf(build: (b: OnnxBuilder) => string, input = INPUT): Uint8Array {
  const b = new OnnxBuilder(input, 1);
  return b.finish(build(b));
}

const doubled = (b: OnnxBuilder, type: string, times: number) => {
  let value = 'image';
  for (let i = 0; i < times; i++) value = b.node(type, [value, value], { axis: 1 });
  return b.classifier(value, 3, 2);
};

const hostile: Record<string, [() => Uint8Array, RegExp]> = {
  'a cycle': [() => changed(({ node }) => (node![0].input![0] = node![1].output![0])), /depends on itself/],
  'a node that reads itself': [
    () => changed(({ node }) => (node![1].input![0] = node![1].output![0])),
    /depends on itself/,
  ],
  'an input that is missing': [
    () => changed(({ node }) => (node![0].input![0] = 'nowhere')),
    /reads "nowhere", which nothing defines/,
  ],
  'weights that are missing': [
    () => changed(({ node }) => (node![0].input![1] = 'nowhere')),
    /reads "nowhere", which nothing defines/,
  ],
  'an output that is missing': [
    () => changed(({ output }) => (output![0].name = 'nowhere')),
    /nothing computes the output/,
  ],
  'the same name twice': [
    () => changed(({ node }) => (node![1].output![0] = node![0].output![0])),
    /computed twice/,
  ],
  'weights in another file': [
    () =>
      changed(({ initializer }) => {
        initializer![0].dataLocation = onnxProto.onnx.TensorProto.DataLocation.EXTERNAL;
      }),
    /lies in another file, .*save the model as one file/,
  ],
  'weights of a huge shape': [
    () => changed(({ initializer }) => (initializer![0].dims = [2 ** 40, 2 ** 40])),
    /a shape of/,
  ],
  'weights that are fewer than their shape says': [
    () => changed(({ initializer }) => (initializer![0].dims = [1000, 3, 3, 3])),
    /expected 27000 values, got 108/,
  ],
  'a huge image': [
    () => graphOf((b) => b.classifier('image', 3, 2), { channels: 3, height: 2 ** 31, width: 8 }),
    /must be fixed and from 1 to 512/,
  ],
  'an image of many huge channels': [
    () => graphOf((b) => b.classifier('image', 3, 2), { channels: 2 ** 15, height: 512, width: 512 }),
    /more than 33554432 elements/,
  ],
  'a convolution that gives more elements than memory': [
    () =>
      graphOf((b) => b.classifier(b.conv('image', 3, 200, 1), 200, 2), {
        channels: 3,
        height: 512,
        width: 512,
      }),
    /Conv .*52428800 elements/,
  ],
  'channels that double again and again': [
    () => graphOf((b) => doubled(b, 'Concat', 40)),
    /Concat .*more than/,
  ],
  'a constant that is as large as memory': [
    () =>
      graphOf((b) => {
        const size = b.node('ConstantOfShape', [b.integers([2 ** 20, 2 ** 20])]);
        return b.node('Add', [b.classifier('image', 3, 2), size]);
      }),
    /Add .*onnxruntime cannot compute its constants|ConstantOfShape .*onnxruntime cannot compute its constants/,
  ],
  'constants that double again and again': [
    () =>
      graphOf((b) => {
        let value = b.integers([1, 2]);
        for (let i = 0; i < 40; i++) value = b.node('Concat', [value, value], { axis: 0 });
        return b.node('Reshape', [b.classifier('image', 3, 2), value]);
      }),
    /Concat "concat_40": onnxruntime cannot compute its constants: it takes more than \d+ (MB|s)/,
  ],
  'indices that multiply': [
    () =>
      graphOf((b) => {
        let value = b.integers([0, 0, 0, 0]);
        for (let i = 0; i < 6; i++)
          value = b.node(
            'Gather',
            [b.node('Unsqueeze', [value, b.integers([0])]), b.integers(new Array(1000).fill(0))],
            { axis: 0 },
          );
        return b.node('Reshape', [b.classifier('image', 3, 2), value]);
      }),
    /Gather .*onnxruntime cannot compute its constants: (Integer overflow|it takes more than \d+ (MB|s))/,
  ],
  'a huge padding': [
    () =>
      graphOf((b) =>
        b.classifier(b.node('Pad', ['image', b.integers([0, 0, 2 ** 40, 0, 0, 0, 0, 0])]), 3, 2),
      ),
    /pads must be 8 integers/,
  ],
  'a sum that grows beyond all floats': [() => graphOf((b) => doubled(b, 'Add', 1200)), /not finite/],
  'shapes that double again and again': [
    () =>
      graphOf((b) => {
        let value = b.node('Mul', ['image', b.values([1], [2])]);
        for (let i = 0; i < 40; i++) value = b.node('Add', [value, value]);
        return b.node('Mul', [
          b.classifier(value, 3, 2),
          b.classifier(b.node('Mul', ['image', 'image']), 3, 2),
        ]);
      }),
    /Mul .*multiplies two values/,
  ],
  'thousands of products at the ends of two long ways': [
    () =>
      graphOf((b) => {
        const one = b.values([], [1]);
        const [left, right] = [b.conv('image', 3, 3, 1), b.conv('image', 3, 3, 1)].map((start) => {
          let value = start;
          for (let i = 0; i < 4000; i++) value = b.node('Add', [value, one]);
          return value;
        });
        const products = Array.from({ length: 4000 }, () => b.node('Mul', [left, right]));
        return b.classifier(b.node('Sum', products), 3, 2);
      }),
    /Mul .*multiplies two values/,
  ],
  'more quadratic activations than layers': [
    () =>
      graphOf((b) => {
        let value = 'image';
        for (let i = 0; i < 600; i++) value = b.node('Mul', [value, value]);
        return b.classifier(value, 3, 2);
      }),
    /more than 512 quadratic activations/,
  ],
  'a sum of thousands of ReLUs beside a comparison': [
    () =>
      graphOf((b) => {
        const relus = Array.from({ length: 4000 }, (_, i) =>
          b.node('Relu', [b.node('Add', ['image', b.values([], [i])])]),
        );
        const above = b.node('Greater', ['image', b.values([], [0])]);
        return b.classifier(b.node('Where', [above, b.node('Sum', relus), 'image']), 3, 2);
      }),
    /Where .*it compares what is computed/,
  ],
  'an Einsum of few weights and many products': [
    () =>
      graphOf(
        (b) => {
          const sum = b.node('Einsum', ['image', b.constant([10_000])], { equation: 'bchw,z->bc' });
          return b.node('MatMul', [sum, b.constant([3, 2])]);
        },
        { channels: 3, height: 64, width: 64 },
      ),
    /Einsum .*40960000 products/,
  ],
  'an endless row of linear operators': [
    () => graphOf((b) => doubled(b, 'Add', 15_000)),
    /too many linear operators follow one another/,
  ],
  'depthwise convolutions of more weights than memory': [
    () =>
      graphOf((b) => {
        const value = b.node('Relu', [b.conv('image', 3, 4000, 1)]);
        const deep = b.node('Relu', [b.conv(value, 4000, 4000, 3, { group: 4000, pads: [1, 1, 1, 1] })]);
        return b.classifier(deep, 4000, 2);
      }),
    /144000000 weights is more than .* use fewer channels/,
  ],
  'choices by masks that are large only together': [
    () =>
      graphOf((b) => {
        const side = 4200;
        const mask = b.node('Greater', [b.constant([side, 1], -1, 1), b.values([], [0])]);
        const numbers = b.constant([side]);
        const chosen = [1, 2].map(() => b.node('Where', [mask, 'image', numbers]));
        return b.classifier(b.node('Sum', chosen), 3, 2);
      }),
    /Where/,
  ],
  'thousands of pools': [
    () =>
      graphOf((b) => {
        let value = 'image';
        for (let i = 0; i < 5000; i++)
          value = b.node('MaxPool', [b.node('Relu', [value])], { kernel_shape: [1, 1] });
        return b.classifier(value, 3, 2);
      }),
    /5001 layers, more than 512/,
  ],
  'a subgraph': [() => graphOf((b) => b.classifier(b.node('If', ['image']), 3, 2)), /control flow/],
};

for (const [what, [file, message]] of Object.entries(hostile))
  test(`${what} is refused by name`, async () => {
    await assert.rejects(importOnnx(file()), { code: /^model\/(format|unsupported)$/, message });
  });
