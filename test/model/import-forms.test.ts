import assert from 'node:assert/strict';
import { test } from 'node:test';
import onnxProto from 'onnx-proto';
import { importOnnx } from '../../importer/import-onnx.ts';
import { OnnxBuilder } from '../support/onnx-builder.ts';
import { agreesInAnyLayout } from './against-runtime.ts';

const SIZES = [1, 4, 8, 6] as const;
const SAME = { pads: [1, 1, 1, 1] };
const relu = (b: OnnxBuilder, x: string) => b.node('Relu', [x]);
/** A map of 4 channels of 8x6 that is never negative. */
const start = (b: OnnxBuilder) => relu(b, b.conv('image', 4, 4, 3, SAME));
const dense = (b: OnnxBuilder, x: string, from: number) => b.node('MatMul', [x, b.constant([from, 3])]);
const end = (b: OnnxBuilder, x: string, channels: number) =>
  b.classifier(relu(b, b.conv(x, channels, 5, 3, SAME)), 5, 3);
const slices = (b: OnnxBuilder, x: string, ...lists: number[][]) =>
  b.node('Slice', [x, ...lists.map((list) => b.integers(list))]);
const transposed = (
  b: OnnxBuilder,
  x: string,
  dims: number[],
  out: number,
  attributes: Record<string, number | number[] | string>,
) => b.node('ConvTranspose', [x, b.constant(dims), b.constant([out])], attributes);

const MEANS: Record<string, (b: OnnxBuilder) => string> = {
  'two means, one axis after the other': (b) =>
    dense(
      b,
      b.node('ReduceMean', [b.node('ReduceMean', [start(b)], { axes: [3], keepdims: 0 })], {
        axes: [2],
        keepdims: 0,
      }),
      4,
    ),
  'two means over the last axis': (b) =>
    dense(
      b,
      b.node('ReduceMean', [b.node('ReduceMean', [start(b)], { axes: [-1], keepdims: 0 })], {
        axes: [-1],
        keepdims: 0,
      }),
      4,
    ),
  'a sum, divided': (b) => {
    const sum = b.node('ReduceSum', [start(b), b.integers([2, 3])], { keepdims: 0 });
    return dense(b, b.node('Div', [sum, b.values([], [48])]), 4);
  },
  'an average pool of the size of the map': (b) =>
    dense(b, b.node('Flatten', [b.node('AveragePool', [start(b)], { kernel_shape: [8, 6] })]), 4),
};

for (const [what, build] of Object.entries(MEANS))
  test(`a global average is recognised as one product per channel: ${what}`, async () => {
    const { layers } = await agreesInAnyLayout(build, SIZES);
    assert.deepEqual(
      layers.at(-1)!.terms.map(({ pool }) => pool),
      ['sum'],
    );
  });

const FORMS: Record<string, (b: OnnxBuilder) => string> = {
  'channels padded with zeros': (b) =>
    end(b, relu(b, b.node('Pad', [start(b), b.integers([0, 2, 0, 0, 0, 1, 0, 0])])), 7),
  'padding with another number than zero': (b) => {
    const padded = b.node('Pad', [start(b), b.integers([0, 0, 1, 0, 0, 0, 1, 2]), b.values([], [0.5])]);
    return end(b, relu(b, b.conv(padded, 4, 4, 3)), 4);
  },
  'a shortcut of every second position and zero channels': (b) => {
    const x = start(b);
    const half = slices(b, x, [0, 0], [9, 9], [2, 3], [2, 2]);
    const shortcut = b.node('Pad', [half, b.integers([0, 2, 0, 0, 0, 2, 0, 0])]);
    const sum = b.node('Add', [b.conv(x, 4, 8, 3, { ...SAME, strides: [2, 2] }), shortcut]);
    return b.classifier(relu(b, sum), 8, 3);
  },
  'constant channels joined to a map': (b) =>
    end(b, relu(b, b.node('Concat', [start(b), b.constant([1, 2, 8, 6])], { axis: 1 })), 6),
  'BatchNormalization behind Flatten': (b) => dense(b, b.batchNorm(b.node('Flatten', [start(b)]), 192), 192),
  'a factor per element before a product': (b) =>
    dense(b, b.node('Flatten', [b.node('Mul', [start(b), b.constant([4, 8, 6])])]), 192),
  'a value of one channel added to all': (b) =>
    end(b, relu(b, b.node('Add', [start(b), b.conv(start(b), 4, 1, 1)])), 4),
  'a mean added to its map': (b) => {
    const x = start(b);
    return end(b, relu(b, b.node('Add', [x, b.conv(b.node('GlobalAveragePool', [x]), 4, 4, 1)])), 4);
  },
  'Max with zero': (b) => end(b, b.node('Max', [b.conv('image', 4, 4, 1), b.values([], [0])]), 4),
  'Max and Min with numbers per channel': (b) => {
    const x = b.conv('image', 4, 4, 1);
    return end(
      b,
      b.node('Min', [b.node('Max', [b.constant([4, 1, 1]), x]), b.constant([4, 1, 1], 0.5, 1)]),
      4,
    );
  },
  'Max and Min of computed values': (b) => {
    const [x, y, z] = [0, 1, 2].map(() => b.conv('image', 4, 4, 1));
    return end(b, b.node('Min', [b.node('Max', [x, y, z]), z]), 4);
  },
  'Clip with bounds of initializers': (b) =>
    end(b, b.node('Clip', [b.conv('image', 4, 4, 1), b.values([], [-0.2]), b.values([], [0.4])]), 4),
  'Clip with one infinite bound': (b) =>
    end(b, b.node('Clip', [b.conv('image', 4, 4, 1), b.values([], [-Infinity]), b.values([], [0.4])]), 4),
  Abs: (b) => end(b, b.node('Abs', [b.conv('image', 4, 4, 1)]), 4),
  HardSigmoid: (b) => end(b, b.node('HardSigmoid', [b.conv('image', 4, 4, 1)]), 4),
  'ReduceMax over rows and columns': (b) =>
    dense(b, b.node('ReduceMax', [start(b)], { axes: [2, 3], keepdims: 0 }), 4),
  'ReduceMin over channels': (b) => end(b, b.node('ReduceMin', [start(b)], { axes: [1] }), 1),
  'a transposed convolution with strides': (b) =>
    end(b, relu(b, transposed(b, start(b), [4, 2, 4, 4], 2, { strides: [2, 2], ...SAME })), 2),
  'a transposed convolution with output padding and groups': (b) =>
    end(
      b,
      relu(
        b,
        transposed(b, start(b), [4, 1, 3, 3], 2, {
          strides: [2, 2],
          ...SAME,
          output_padding: [1, 1],
          group: 2,
        }),
      ),
      2,
    ),
  'a transposed convolution whose size is no multiple of its strides': (b) => {
    const pooled = b.node('MaxPool', [start(b)], { kernel_shape: [2, 2], strides: [2, 2] });
    return end(b, relu(b, transposed(b, pooled, [4, 2, 3, 3], 2, { strides: [2, 2], ...SAME })), 2);
  },
  'a transposed convolution with auto_pad SAME_UPPER': (b) =>
    end(b, relu(b, transposed(b, start(b), [4, 2, 3, 3], 2, { strides: [2, 2], auto_pad: 'SAME_UPPER' })), 2),
  'a transposed convolution with auto_pad SAME_LOWER': (b) =>
    end(b, relu(b, transposed(b, start(b), [4, 2, 3, 3], 2, { auto_pad: 'SAME_LOWER' })), 2),
  'a transposed convolution with dilations': (b) =>
    end(b, relu(b, transposed(b, start(b), [4, 2, 3, 2], 2, { dilations: [2, 3], pads: [2, 1, 2, 1] })), 2),
  'a transposed convolution with a given size': (b) =>
    end(b, relu(b, transposed(b, start(b), [4, 2, 3, 3], 2, { strides: [2, 2], output_shape: [16, 12] })), 2),
  'a max pool whose window is the map': (b) =>
    dense(b, b.node('Flatten', [b.node('MaxPool', [start(b)], { kernel_shape: [8, 6] })]), 4),
  'max pools of windows side by side': (b) =>
    end(b, b.node('MaxPool', [b.conv('image', 4, 4, 1)], { kernel_shape: [4, 3], strides: [4, 3] }), 4),
  'a max pool behind padding with minus infinity': (b) => {
    const padded = b.node('Pad', [
      b.conv('image', 4, 4, 1),
      b.integers([0, 0, 0, 0, 0, 0, 1, 1]),
      b.values([], [-Infinity]),
    ]);
    return end(b, b.node('MaxPool', [padded], { kernel_shape: [3, 3], strides: [2, 2] }), 4);
  },
  'Expand of a computed value': (b) =>
    end(b, relu(b, b.node('Expand', [b.node('GlobalAveragePool', [start(b)]), b.integers([1, 4, 3, 2])])), 4),
};

for (const [what, build] of Object.entries(FORMS))
  test(`linear and ReLU forms are computed as the runtime does: ${what}`, async () => {
    await agreesInAnyLayout(build, SIZES);
  });

test('a sum over an axis twice is the sum over it, and one over no named axis is over all', async () => {
  const sums: [number[], number[]][] = [
    [[2], [2]],
    [[-1], [-1, -2]],
    [[2], []],
    [[], [3]],
  ];
  for (const lists of sums)
    await agreesInAnyLayout((b) => {
      const sum = lists.reduce(
        (x, axes) => b.node('ReduceSum', [x, b.integers(axes)]),
        b.conv('image', 4, 4, 3),
      );
      return b.node('Flatten', [sum]);
    }, SIZES);
});

test('pools with ceil_mode have windows that extend beyond a small map', async () => {
  for (const type of ['MaxPool', 'AveragePool'])
    await agreesInAnyLayout(
      (b) => {
        const pool = { kernel_shape: [3, 3], strides: [2, 2], ceil_mode: 1 };
        return b.node('Flatten', [b.node(type, [b.conv('image', 4, 4, 3)], pool)]);
      },
      [1, 4, 4, 6],
    );
});

test('an average pool with dilations is the runtime’s', async () => {
  await agreesInAnyLayout(
    (b) => {
      const window = { kernel_shape: [3, 2], dilations: [2, 3], pads: [1, 0, 1, 0], count_include_pad: 1 };
      return end(b, relu(b, b.node('AveragePool', [start(b)], window)), 4);
    },
    SIZES,
    1,
    19,
  );
});

/** Constants that the graph computes. */
const CONSTANTS: Record<string, (b: OnnxBuilder) => string> = {
  'pads as exporters compute them': (b) => {
    const zeros = b.node('ConstantOfShape', [b.integers([4])]);
    const integers = b.node('Cast', [zeros], { to: 7 });
    const all = b.node('Concat', [b.integers([1, 1, 1, 1]), integers], { axis: 0 });
    const pairs = b.node('Reshape', [all, b.integers([-1, 2])]);
    const reversed = slices(b, pairs, [-1], [-999], [0], [-1]);
    const flat = b.node('Reshape', [b.node('Transpose', [reversed], { perm: [1, 0] }), b.integers([-1])]);
    return end(b, b.node('Pad', [start(b), flat, b.values([], [0])]), 4);
  },
  'weights that are dequantized': (b) => {
    const weights = b.node(
      'DequantizeLinear',
      [b.bytes([4, 4, 3, 3]), b.constant([4], 0.01, 0.05), b.bytes([4])],
      { axis: 0 },
    );
    return end(b, relu(b, b.node('Conv', ['image', weights], SAME)), 4);
  },
  'a bias that is expanded': (b) =>
    end(
      b,
      relu(
        b,
        b.node('Add', [start(b), b.node('Expand', [b.constant([4, 1, 1]), b.node('Shape', ['image'])])]),
      ),
      4,
    ),
  'a large ConstantOfShape': (b) => {
    const zeros = b.node('ConstantOfShape', [b.integers([1, 4, 1024, 1024])]);
    return end(b, relu(b, b.node('Add', [start(b), b.node('ReduceMean', [zeros], { axes: [2, 3] })])), 4);
  },
  'sizes by way of Shape, Gather and arithmetic': (b) => {
    const shape = b.node('Shape', [start(b)]);
    const size = (axis: number) => b.node('Gather', [shape, b.integers([axis])], { axis: 0 });
    const count = b.node('Mul', [b.node('Mul', [size(2), size(3)]), size(1)]);
    const target = b.node('Concat', [size(0), count], { axis: 0 });
    return dense(b, b.node('Reshape', [start(b), target]), 192);
  },
  'weights that are normalised': (b) => {
    const weights = b.constant([4, 4, 3, 3]);
    const norm = b.node('ReduceL2', [weights], { axes: [1, 2, 3] });
    return end(b, relu(b, b.node('Conv', ['image', b.node('Div', [weights, norm])], SAME)), 4);
  },
};

for (const [what, build] of Object.entries(CONSTANTS))
  test(`constants are computed by the runtime: ${what}`, async () => {
    await agreesInAnyLayout(build, SIZES, 1, 17);
  });

test('the branch of an If is taken whose condition depends on sizes alone', async () => {
  const { ModelProto } = onnxProto.onnx;
  const b = new OnnxBuilder({ channels: 4, height: 8, width: 6 }, 1);
  const means = b.node('GlobalAveragePool', [start(b)]);
  const rows = b.node('Gather', [b.node('Shape', [means]), b.integers([2])], { axis: 0 });
  const chosen = b.node('If', [b.node('Equal', [rows, b.integers([1])])]);
  const file = ModelProto.decode(b.finish(dense(b, b.node('Flatten', [chosen]), 4)));
  const branch = (name: string, opType: string): onnxProto.onnx.IAttributeProto => ({
    name,
    type: onnxProto.onnx.AttributeProto.AttributeType.GRAPH,
    g: {
      name,
      node: [{ opType, input: [means], output: [`${name}_out`] }],
      output: [{ name: `${name}_out` }],
    },
  });
  file.graph!.node!.find(({ opType }) => opType === 'If')!.attribute = [
    branch('then_branch', 'Relu'),
    branch('else_branch', 'Sigmoid'),
  ];
  const { layers } = await importOnnx(ModelProto.encode(file).finish());
  assert.equal(layers.length, 3, 'the convolution, the Relu of the branch and the logits');
});

test('every form of a Constant node is read', async () => {
  const { ModelProto, AttributeProto } = onnxProto.onnx;
  const { AttributeType } = AttributeProto;
  const b = new OnnxBuilder({ channels: 4, height: 8, width: 6 }, 1);
  const [one, many, sizes, index] = ['one', 'many', 'sizes', 'index'];
  const scaled = b.node('Mul', [b.node('Add', [start(b), one]), b.node('Reshape', [many, sizes])]);
  const part = b.node('Gather', [scaled, b.node('Unsqueeze', [index, b.integers([0])])], { axis: 1 });
  const model = ModelProto.decode(b.finish(b.classifier(relu(b, part), 1, 3)));
  const constant = (name: string, attribute: onnxProto.onnx.IAttributeProto) => ({
    opType: 'Constant',
    output: [name],
    attribute: [attribute],
  });
  model.graph!.node!.unshift(
    constant(one, { name: 'value_float', type: AttributeType.FLOAT, f: 0.5 }),
    constant(many, { name: 'value_floats', type: AttributeType.FLOATS, floats: [1, -2, 3, 0.5] }),
    constant(sizes, { name: 'value_ints', type: AttributeType.INTS, ints: [4, 1, 1] }),
    constant(index, { name: 'value_int', type: AttributeType.INT, i: 2 }),
  );
  await agreesInAnyLayout(() => '', SIZES, 1, 17, ModelProto.encode(model).finish());
});

test('a MaxPool of a signal goes before the activation that it alone reads, with its pads or without', async () => {
  for (const pads of [undefined, [0, 0], [1, 1]]) {
    const network = await agreesInAnyLayout(
      (b) => {
        const convolved = b.node('Conv', ['image', b.constant([3, 2, 3])], { pads: [1, 1] });
        const window = { kernel_shape: [2], strides: [2], ...(pads && { pads }) };
        const pooled = b.node('MaxPool', [relu(b, convolved)], window);
        return b.node('MatMul', [b.node('Flatten', [pooled]), b.constant([pads?.[0] ? 27 : 24, 3])]);
      },
      [1, 2, 16],
    );
    assert.equal(network.input.height * network.input.width, 16);
  }
});
