import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { importOnnx } from '../../importer/import-onnx.ts';
import { OnnxBuilder } from '../support/onnx-builder.ts';
import { agrees } from './against-runtime.ts';

const MAP = { channels: 6, height: 6, width: 5 };
const SAME = { pads: [1, 1, 1, 1] };

/** The head of a classifier that tells every element of a map from the others. */
function everyElement(b: OnnxBuilder, map: string, elements: number): string {
  const flat = b.node('Flatten', [b.node('Relu', [map])]);
  return b.node('Gemm', [flat, b.constant([elements, 7]), b.constant([7])]);
}

/** A map of 6x6x5 elements that is computed, and what comes of it. */
const OPERATORS: Record<string, (b: OnnxBuilder, x: string) => string> = {
  'Sub of a value': (b, x) => b.node('Sub', [x, b.conv('image', 6, 6, 1)]),
  'Sub of a constant': (b, x) => b.node('Sub', [x, b.constant([6, 1, 1])]),
  'Add of a number per element': (b, x) => b.node('Add', [x, b.constant([6, 6, 5])]),
  'Sub of a number per row': (b, x) => b.node('Sub', [x, b.constant([6, 1])]),
  'a number per element, convolved with pads': (b, x) => {
    const sum = b.node('Add', [b.node('Relu', [x]), b.constant([1, 6, 6, 5])]);
    return b.node('Conv', [sum, b.constant([6, 6, 3, 3])], SAME);
  },
  'Sub from a constant': (b, x) => b.node('Sub', [b.constant([1, 6, 1, 1]), x]),
  'Mul by a number per channel': (b, x) => b.node('Mul', [b.constant([6, 1, 1]), x]),
  'Mul by one number': (b, x) => b.node('Mul', [x, b.constant([])]),
  Div: (b, x) => b.node('Div', [x, b.constant([6, 1, 1], 0.5, 2)]),
  Neg: (b, x) => b.node('Neg', [x]),
  Sum: (b, x) => b.node('Sum', [x, 'image', x]),
  Mean: (b, x) => b.node('Mean', [x, 'image']),
  'ConvTranspose of stride 1': (b, x) =>
    b.node('ConvTranspose', [x, b.constant([6, 6, 3, 3]), b.constant([6])], SAME),
  'Conv with pads on one side': (b, x) =>
    b.node('Conv', [b.node('Relu', [x]), b.constant([6, 6, 3, 2])], { pads: [2, 1, 0, 0] }),
  'AveragePool that counts pads': (b, x) =>
    b.node('AveragePool', [b.node('Relu', [x])], { kernel_shape: [3, 3], ...SAME, count_include_pad: 1 }),
  'AveragePool that leaves pads out': (b, x) =>
    b.node('AveragePool', [b.node('Relu', [x])], { kernel_shape: [3, 3], ...SAME }),
  'AveragePool of uneven windows': (b, x) =>
    b.node('Conv', [
      b.node('AveragePool', [b.node('Relu', [x])], { kernel_shape: [5, 4], pads: [2, 1, 2, 2] }),
      b.constant([6, 6, 1, 1]),
    ]),
  'Split and Concat in another order': (b, x) => {
    const [first, second, third] = b.nodes('Split', [x, b.integers([1, 3, 2])], 3, { axis: 1 });
    return b.node('Concat', [third, first, second], { axis: -3 });
  },
  'equal Split': (b, x) => b.node('Concat', b.nodes('Split', [x], 2, { axis: 1 }).reverse(), { axis: 1 }),
  'Slice of channels, rows and columns': (b, x) => {
    const [starts, ends, axes, steps] = [
      [1, -5, 1],
      [6, 100, 4],
      [1, 2, 3],
      [2, 2, 2],
    ].map((list) => b.integers(list));
    const part = b.node('Slice', [b.node('Relu', [x]), starts, ends, axes, steps]);
    return b.node('Conv', [part, b.constant([6, 3, 3, 3])], { pads: [3, 3, 2, 2] });
  },
  'Gather of channels': (b, x) => b.node('Gather', [x, b.integers([5, 0, -2, 3, 1, 1])], { axis: 1 }),
  'channel shuffle': (b, x) => {
    const grouped = b.node('Reshape', [x, b.integers([1, 2, 3, 6, 5])]);
    const turned = b.node('Transpose', [grouped], { perm: [0, 2, 1, 3, 4] });
    return b.node('Reshape', [turned, b.integers([0, -1, 6, 5])]);
  },
  'Transpose to channels last and back': (b, x) =>
    b.node('Transpose', [b.node('Transpose', [x], { perm: [0, 2, 3, 1] })], { perm: [0, 3, 1, 2] }),
  'Shape, Gather and Reshape as exporters write them': (b, x) => {
    const batch = b.node('Gather', [b.node('Shape', [x]), b.integers([0])], { axis: 0 });
    const target = b.node('Concat', [batch, b.integers([6, -1, 5])], { axis: 0 });
    return b.node('Reshape', [x, target]);
  },
  'Unsqueeze and Squeeze': (b, x) =>
    b.node('Squeeze', [b.node('Unsqueeze', [x, b.integers([2])]), b.integers([2])]),
  'Flatten of axes that are counted from the end': (b, x) => {
    const flat = b.node('Flatten', [x], { axis: -2 });
    const product = b.node('MatMul', [flat, b.constant([30, 30])]);
    return b.node('Reshape', [product, b.integers([1, 6, 6, 5])]);
  },
  'Dropout and Identity': (b, x) => b.node('Dropout', [b.node('Identity', [x])]),
};

for (const [what, build] of Object.entries(OPERATORS))
  test(`${what}: as the runtime`, async () => {
    await agrees((b) => everyElement(b, build(b, b.conv('image', 6, 6, 3, SAME)), 180), MAP);
  });

/** Ways from a map of 6x6x5 to one of 6x2x2. */
const UNEVEN: typeof OPERATORS = {
  'Conv and AveragePool with strides of their own for rows and columns': (b, x) => {
    const convolved = b.conv(x, 6, 6, 3, { pads: [1, 1, 1, 1], strides: [1, 2] });
    return b.node('AveragePool', [convolved], { kernel_shape: [3, 2], strides: [2, 1] });
  },
  'Slice with steps of its own for rows and columns': (b, x) =>
    b.node('Slice', [
      x,
      ...[
        [0, 1],
        [6, 5],
        [2, 3],
        [3, 2],
      ].map((values) => b.integers(values)),
    ]),
};

for (const [what, build] of Object.entries(UNEVEN))
  test(`${what}: as the runtime`, async () => {
    await agrees((b) => everyElement(b, build(b, b.conv('image', 6, 6, 3, SAME)), 24), MAP);
  });

test('a value is repeated to the shape of a larger constant', async () => {
  const whole = (b: OnnxBuilder) => b.constant([1, 6, 6, 5]);
  const operators: Record<string, (b: OnnxBuilder, x: string) => string> = {
    Add: (b, x) => b.node('Add', [x, whole(b)]),
    Sub: (b, x) => b.node('Sub', [whole(b), x]),
    Mul: (b, x) => b.node('Mul', [whole(b), x]),
    Max: (b, x) => b.node('Max', [x, whole(b)]),
    'Mul of a product': (b, x) => b.node('Mul', [b.node('Mul', [x, b.constant([1, 6, 6, 1])]), whole(b)]),
    'Add of channels': (b, x) => b.node('Add', [b.node('ReduceMean', [x], { axes: [1] }), whole(b)]),
  };
  for (const [what, build] of Object.entries(operators))
    for (const relu of [false, true])
      await agrees(
        (b) => {
          const x = b.node('GlobalAveragePool', [b.conv('image', 6, 6, 3)]);
          return b.node('Flatten', [build(b, relu ? b.node('Relu', [x]) : x)]);
        },
        MAP,
        what.length,
      );
});

test('a product has the leading axes of its weights, on either side', async () => {
  await agrees((b) => {
    const x = b.classifier('image', 6, 10);
    const right = b.node('MatMul', [x, b.constant([1, 10, 5])]);
    const first = b.node('ReduceMean', [right], { axes: [1], keepdims: 0 });
    const vector = b.node('Reshape', [x, b.integers([10])]);
    const second = b.node('ReduceMean', [b.node('MatMul', [vector, b.constant([1, 10, 5])])], { axes: [0] });
    const left = b.node('MatMul', [b.constant([1, 5, 10]), vector]);
    const third = b.node('ReduceMean', [left], { axes: [0] });
    return b.node('Concat', [first, second, third], { axis: 1 });
  }, MAP);
});

test('a vector in channels-last order is multiplied as the runtime does', async () => {
  await agrees((b) => {
    const last = b.node('Transpose', [b.node('Relu', [b.conv('image', 6, 4, 3, SAME)])], {
      perm: [0, 2, 3, 1],
    });
    const flat = b.node('Reshape', [last, b.integers([1, 120])]);
    return b.node('MatMul', [flat, b.constant([120, 3])]);
  }, MAP);
});

test('a Softmax that only the output goes through is left to the client', async () => {
  const b = new OnnxBuilder(MAP, 1);
  const logits = b.classifier(b.node('Relu', [b.conv('image', 6, 4, 3)]), 4, 3);
  const plain = await importOnnx(b.finish(logits));
  const softened = await importOnnx(b.finish(b.node('Softmax', [logits], { axis: 1 })));
  assert.deepEqual(softened, plain);
});

test('pads of named axes are pads of those axes', async () => {
  const network = async (pads: (b: OnnxBuilder) => string[]) => {
    const b = new OnnxBuilder(MAP, 1);
    const weights = b.constant([4, 6, 3, 3]);
    const map = b.node('Conv', [b.node('Pad', ['image', ...pads(b)]), weights]);
    const { layers } = await importOnnx(b.finish(b.classifier(b.node('Relu', [map]), 4, 3)));
    return layers.map(({ terms }) => terms);
  };
  assert.deepEqual(
    await network((b) => [b.integers([1, 2, 1, 0]), '', b.integers([2, -1])]),
    await network((b) => [b.integers([0, 0, 1, 2, 0, 0, 1, 0])]),
  );
});

test('an image that the graph normalises is convolved with pads in one layer, whose bias differs at the border', async () => {
  const network = await agrees((b) => {
    const centred = b.node('Div', [
      b.node('Sub', ['image', b.constant([6, 1, 1])]),
      b.constant([6, 1, 1], 0.5, 2),
    ]);
    return b.classifier(b.node('Relu', [b.conv(centred, 6, 4, 3, SAME)]), 4, 3);
  }, MAP);
  assert.deepEqual(
    network.layers.map(({ bias }) => bias.length),
    [4 * 6 * 5, 3],
  );
});

test('AveragePool with pads and incomplete windows, counting pads or not, is the runtime’s', async () => {
  const pads = fc.array(fc.nat(1), { minLength: 4, maxLength: 4 });
  const strides = fc.array(fc.integer({ min: 1, max: 3 }), { minLength: 2, maxLength: 2 });
  const property = fc.asyncProperty(
    pads,
    strides,
    fc.nat(1),
    fc.nat(1),
    async (pads, strides, whole, ceil_mode) => {
      await agrees((b) => {
        const window = { kernel_shape: [3, 2], pads, strides, ceil_mode, count_include_pad: whole };
        const pooled = b.node('AveragePool', [b.node('Relu', [b.conv('image', 6, 3, 3, SAME)])], window);
        return b.classifier(b.node('Relu', [b.conv(pooled, 3, 3, 1)]), 3, 4);
      }, MAP);
    },
  );
  await fc.assert(property, { numRuns: 40 });
});
