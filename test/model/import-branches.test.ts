/** Branches of an If whose condition is a constant. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import onnxProto from 'onnx-proto';
import { importOnnx } from '../../importer/import-onnx.ts';
import { OnnxBuilder } from '../support/onnx-builder.ts';
import { agreesInAnyLayout } from './against-runtime.ts';

const { ModelProto, AttributeProto, TensorProto } = onnxProto.onnx;
const { GRAPH, INT, TENSOR } = AttributeProto.AttributeType;
const SIZES = [1, 3, 6, 5];

type Graph = onnxProto.onnx.IGraphProto;
type Attribute = onnxProto.onnx.IAttributeProto;

const node = (opType: string, input: string[], output: string, attribute: Attribute[] = []) => ({
  opType,
  input,
  output: [output],
  attribute,
});
const graphOf = (name: string, g: Graph): Attribute => ({ name, type: GRAPH, g: { name, ...g } });
const vector = (name: string, value: number) => ({
  name,
  dims: [3, 1, 1],
  dataType: TensorProto.DataType.FLOAT,
  floatData: [value, -value, 0.5 * value],
});
const constant = (name: string, value: number) =>
  node('Constant', [], name, [{ name: 'value', type: TENSOR, t: vector('', value) }]);

/**
 * A file in which two Ifs follow one another; `branch` gives the branch that each of them takes of `input`, whose
 * output is `out`.
 */
function twoBranches(branch: (input: string, which: number) => Graph, opset?: number): Uint8Array {
  const b = new OnnxBuilder({ channels: 1, height: 1, width: 1 }, 1);
  const condition = b.node('Equal', [b.integers([1]), b.integers([1])]);
  const convolved = b.conv('image', 3, 3, 3);
  const first = b.node('If', [condition]);
  const second = b.node('If', [condition]);
  const model = ModelProto.decode(b.finish(b.node('Flatten', [second]), SIZES, opset));
  const ifs = model.graph!.node!.filter(({ opType }) => opType === 'If');
  for (const [i, input] of [convolved, first].entries())
    ifs[i].attribute = [
      graphOf('then_branch', { output: [{ name: 'out' }], ...branch(input, i) }),
      graphOf('else_branch', { node: [node('Tanh', [input], 'other')], output: [{ name: 'other' }] }),
    ];
  return ModelProto.encode(model).finish();
}

const BRANCHES: Record<string, (input: string, which: number) => Graph> = {
  initializers: (input, which) => ({
    initializer: [vector('w', which + 2)],
    node: [node('Mul', [input, 'w'], 'out')],
  }),
  'Constant nodes': (input, which) => ({
    node: [constant('w', which + 2), node('Add', [input, 'w'], 'out')],
  }),
  'computed constants': (input, which) => ({
    node: [
      constant('v', which + 2),
      node('Exp', ['v'], 'w'),
      node('Neg', ['v'], 'u'),
      node('Mul', [input, 'w'], 'scaled'),
      node('Sub', ['scaled', 'u'], 'out'),
    ],
  }),
  'a branch of their own': (input, which) => ({
    initializer: [vector('w', which + 2), { name: 'yes', dims: [1], dataType: 9, int32Data: [1] }],
    node: [
      node('If', ['yes'], 'out', [
        graphOf('then_branch', { node: [node('Mul', [input, 'w'], 'deep')], output: [{ name: 'deep' }] }),
        graphOf('else_branch', { node: [node('Tanh', ['w'], 'shallow')], output: [{ name: 'shallow' }] }),
      ]),
    ],
  }),
};

for (const [what, branch] of Object.entries(BRANCHES))
  test(`branches with ${what} of the same names keep their own values`, async () => {
    await agreesInAnyLayout(() => '', SIZES, 1, undefined, twoBranches(branch));
  });

test('norms and sequences in a branch are read as those outside', async () => {
  const axis = [{ name: 'axis', type: INT, i: 1 }];
  const file = twoBranches((input) => ({
    initializer: [{ name: 'last', dims: [], dataType: TensorProto.DataType.INT64, int64Data: [-1] }],
    node: [
      node('SequenceConstruct', [input, input], 'list'),
      node('SequenceAt', ['list', 'last'], 'element'),
      constant('w', 3),
      node('CastLike', ['w', 'element'], 'factor'),
      node('Mul', ['element', 'factor'], 'scaled'),
      node('ReduceL1', ['scaled'], 'norm', [
        { name: 'axes', type: AttributeProto.AttributeType.INTS, ints: [2] },
      ]),
      node('Concat', ['scaled', 'norm'], 'joined', [{ ...axis[0], i: 2 }]),
      node('Identity', ['joined'], 'out'),
    ],
  }));
  await agreesInAnyLayout(() => '', SIZES, 1, undefined, file);
});

test('branches of more nodes than a graph may have are refused', async () => {
  const file = twoBranches((input) => ({
    node: Array.from({ length: 10_001 }, (_, i) =>
      node('Identity', [i === 0 ? input : `v${i - 1}`], i === 10_000 ? 'out' : `v${i}`),
    ),
  }));
  await assert.rejects(importOnnx(file), {
    code: 'model/format',
    message: /branches make more than 20000 nodes/,
  });
});
