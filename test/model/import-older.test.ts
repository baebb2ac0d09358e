/** Files of older versions of ONNX, in which attributes say what inputs say today. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import onnxProto from 'onnx-proto';
import { importOnnx } from '../../importer/import-onnx.ts';
import { OnnxBuilder } from '../support/onnx-builder.ts';
import { agreesInAnyLayout } from './against-runtime.ts';

const { ModelProto, AttributeProto } = onnxProto.onnx;
const SIZES = [1, 3, 8, 6] as const;
const LARGEST = (2n ** 63n - 1n).toString();

type Attribute = onnxProto.onnx.IAttributeProto;

/** A file of opset 9 whose nodes of one type have further attributes. */
function older(
  build: (b: OnnxBuilder) => string,
  type: string,
  attributes: Attribute[],
  opset = 9,
): Uint8Array {
  const b = new OnnxBuilder({ channels: 1, height: 1, width: 1 }, 1);
  const model = ModelProto.decode(b.finish(build(b), SIZES, opset));
  for (const node of model.graph!.node!)
    if (node.opType === type) node.attribute = [...(node.attribute ?? []), ...attributes];
  return ModelProto.encode(model).finish();
}

const float = (name: string, f: number): Attribute => ({ name, type: AttributeProto.AttributeType.FLOAT, f });
const integers = (name: string, ints: (number | string)[]): Attribute => ({
  name,
  type: AttributeProto.AttributeType.INTS,
  ints: ints as number[],
});

const flat = (b: OnnxBuilder, x: string) => b.node('Flatten', [x]);
const map = (b: OnnxBuilder) => b.conv('image', 3, 4, 3, { pads: [1, 1, 1, 1] });

const EXTREMES: Record<string, Uint8Array> = {
  'a Slice to the end': older((b) => flat(b, b.node('Slice', [map(b)])), 'Slice', [
    integers('starts', [1, -3]),
    integers('ends', [LARGEST, LARGEST]),
    integers('axes', [2, 3]),
  ]),
  'a Pad of minus infinity before a MaxPool': older(
    (b) =>
      flat(
        b,
        b.node('MaxPool', [b.node('Pad', [map(b)], { pads: [0, 0, 1, 1, 0, 0, 0, 1] })], {
          kernel_shape: [3, 3],
        }),
      ),
    'Pad',
    [float('value', Number.NEGATIVE_INFINITY)],
  ),
  'a Clip without an upper bound': older((b) => flat(b, b.node('Clip', [map(b)])), 'Clip', [
    float('min', -0.25),
    float('max', Number.POSITIVE_INFINITY),
  ]),
  'a Clip without a lower bound, times its input': older(
    (b) => {
      const x = map(b);
      return flat(b, b.node('Mul', [x, b.node('Clip', [x])]));
    },
    'Clip',
    [float('min', Number.NEGATIVE_INFINITY), float('max', 0.5)],
  ),
};

for (const [what, file] of Object.entries(EXTREMES))
  test(`the extreme attributes of ${what} are read as the runtime reads them`, async () => {
    await agreesInAnyLayout(() => '', SIZES, 1, 9, file);
  });

test('an attribute that is not a number is refused', async () => {
  const file = older((b) => flat(b, b.node('Clip', [map(b)])), 'Clip', [float('min', Number.NaN)]);
  await assert.rejects(importOnnx(file), { code: 'model/format', message: /min is not a number/ });
});

test('inputs that are aligned at an axis are refused with what to do', async () => {
  const build = (b: OnnxBuilder) =>
    flat(b, b.node('Add', [map(b), b.constant([4])], { broadcast: 1, axis: 1 }));
  await assert.rejects(importOnnx(older(build, '', [], 6)), {
    code: 'model/unsupported',
    message: /Add .*aligns its inputs at axis 1.*convert the file/,
  });
});
