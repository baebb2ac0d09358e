import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { importOnnx } from '../../importer/import-onnx.ts';
import { type FloatNetwork, FloatRunner } from '../../model/float-network.ts';
import type { Shape } from '../../model/shape.ts';
import { OnnxBuilder } from '../support/onnx-builder.ts';
import { referenceLogits } from '../support/onnx-reference.ts';

const INPUT = { channels: 2, height: 6, width: 7 };

function file(build: (b: OnnxBuilder) => string, seed = 1, input: Shape = INPUT): Uint8Array {
  const b = new OnnxBuilder(input, seed);
  return b.finish(build(b));
}

/** The layers of a file, whose logits must be an independent runtime's. */
async function imported(build: (b: OnnxBuilder) => string, seed = 1, input = INPUT): Promise<FloatNetwork> {
  const bytes = file(build, seed, input);
  const network = await importOnnx(bytes);
  const { random } = new OnnxBuilder(input, seed + 1);
  const image = Float32Array.from(
    { length: input.channels * input.height * input.width },
    () => random() * 8 - 4,
  );
  const logits = new FloatRunner(network).run(image).at(-1)!;
  for (const [i, expected] of (await referenceLogits(bytes, input, image)).entries())
    assert.ok(Math.abs(logits[i] - expected) < 1e-4, `logit ${i}: ${logits[i]} instead of ${expected}`);
  return network;
}

/** ReLUs and passed elements of every layer but the last. */
function gadgets({ layers }: FloatNetwork): [number, number][] {
  return layers.slice(0, -1).map(({ output, linear }) => {
    const passed = linear?.reduce((sum, flag) => sum + flag, 0) ?? 0;
    return [output.channels * output.height * output.width - passed, passed];
  });
}

const MAP = { pads: [1, 1, 1, 1] };
const seeds = fc.nat(1000);

test('Clip with any bounds is the runtime’s, with a ReLU per bound and element', async () => {
  const bound = fc.oneof(fc.constant(null), fc.integer({ min: -30, max: 30 }));
  const property = fc.asyncProperty(bound, bound, seeds, async (a, b, seed) => {
    const [low, high] = a !== null && b !== null && a > b ? [b, a] : [a, b];
    const network = await imported((o) => {
      const x = o.conv('image', 2, 3, 3, MAP);
      const limit = (value: number | null) => (value === null ? '' : o.values([], [value / 10]));
      return o.classifier(o.conv(o.node('Clip', [x, limit(low), limit(high)]), 3, 3, 1), 3, 2);
    }, seed);
    const bounds = [low, high].filter((value) => value !== null).length;
    assert.deepEqual(gadgets(network), bounds === 0 ? [] : [[bounds * 3 * 42, 0]]);
  });
  await fc.assert(property, { numRuns: 25 });
});

test('Relu6 keeps zeros at zero, so a padded convolution may follow in the same layer', async () => {
  const network = await imported((b) => {
    const clipped = b.node('Clip', [b.conv('image', 2, 3, 3, MAP), b.values([], [0]), b.values([], [6])]);
    return b.classifier(b.node('Relu', [b.conv(clipped, 3, 4, 3, MAP)]), 4, 2);
  });
  assert.equal(network.layers.length, 3);
});

test('LeakyRelu and PRelu are the runtime’s, with a ReLU and a passed element each', async () => {
  const slopes = fc.constantFrom<number[]>([3, 1, 1], [1], [1, 3, 1, 1], [1, 1, 1]);
  const property = fc.asyncProperty(slopes, seeds, async (dims, seed) => {
    const network = await imported((b) => {
      const leaky = b.node('LeakyRelu', [b.conv('image', 2, 3, 3, MAP)]);
      const learnt = b.node('PRelu', [b.conv(leaky, 3, 3, 3, MAP), b.constant(dims, -0.5, 1.5)]);
      return b.classifier(learnt, 3, 2);
    }, seed);
    assert.deepEqual(gadgets(network), [
      [126, 126],
      [126, 126],
    ]);
  });
  await fc.assert(property, { numRuns: 12 });
});

test('activations of vectors', async () => {
  const network = await imported((b) => {
    const hidden = b.node('Gemm', [b.node('Flatten', ['image']), b.constant([84, 5]), b.constant([5])]);
    const leaky = b.node('PRelu', [hidden, b.constant([5])]);
    const clipped = b.node('Clip', [b.node('MatMul', [leaky, b.constant([5, 5])]), b.values([], [-1])]);
    return b.node('MatMul', [clipped, b.constant([5, 3])]);
  });
  assert.deepEqual(gadgets(network), [
    [5, 5],
    [5, 0],
  ]);
});

test('MaxPool of any window, strides and dilation is the runtime’s', async () => {
  const property = fc.asyncProperty(
    fc.tuple(fc.integer({ min: 1, max: 3 }), fc.integer({ min: 1, max: 3 })),
    fc.tuple(fc.integer({ min: 1, max: 3 }), fc.integer({ min: 1, max: 3 })),
    fc.tuple(fc.integer({ min: 1, max: 2 }), fc.integer({ min: 1, max: 2 })),
    seeds,
    async (kernel_shape, strides, dilations, seed) => {
      const network = await imported((b) => {
        const x = b.conv('image', 2, 3, 3, MAP);
        const pooled = b.node('MaxPool', [x], { kernel_shape, strides, dilations });
        return b.classifier(pooled, 3, 2);
      }, seed);
      const size = kernel_shape[0] * kernel_shape[1];
      assert.equal(network.layers.length, 1 + Math.ceil(Math.log2(size)));
      const outputs = [6, 7].map(
        (side, i) => Math.floor((side - (kernel_shape[i] - 1) * dilations[i] - 1) / strides[i]) + 1,
      );
      const relus = gadgets(network).reduce((sum, [count]) => sum + count, 0);
      assert.equal(relus, 3 * outputs[0] * outputs[1] * (size - 1));
    },
  );
  await fc.assert(property, { numRuns: 30 });
});

test('MaxPool with pads and incomplete windows, after a ReLU', async () => {
  const property = fc.asyncProperty(
    fc.integer({ min: 2, max: 3 }),
    fc.integer({ min: 1, max: 3 }),
    fc.array(fc.integer({ min: 0, max: 1 }), { minLength: 4, maxLength: 4 }),
    fc.nat(1),
    seeds,
    async (side, stride, pads, ceil_mode, seed) => {
      await imported((b) => {
        const x = b.node('Relu', [b.conv('image', 2, 3, 3, MAP)]);
        const window = { kernel_shape: [side, side], strides: [stride, stride], pads, ceil_mode };
        const joined = b.node('Concat', [b.node('MaxPool', [x], window), b.node('MaxPool', [x], window)], {
          axis: 1,
        });
        return b.classifier(b.node('MaxPool', [joined], { kernel_shape: [2, 2], pads: [1, 0, 0, 1] }), 6, 2);
      }, seed);
    },
  );
  await fc.assert(property, { numRuns: 20 });
});

test('MaxPool with pads, dilations and incomplete windows of values of either sign', async () => {
  const axis = fc
    .record({ taps: fc.integer({ min: 1, max: 4 }), dilation: fc.integer({ min: 1, max: 2 }) })
    .chain(({ taps, dilation }) =>
      fc.tuple(fc.constant(taps), fc.constant(dilation), fc.nat(Math.min(taps - 1, 2)), fc.nat(taps - 1)),
    )
    // One position of every window is in the map then.
    .filter(([taps, dilation, before, after]) => before + after < taps && (taps - 1) * dilation < 6);
  const property = fc.asyncProperty(
    fc.tuple(axis, axis),
    fc.tuple(fc.integer({ min: 1, max: 3 }), fc.integer({ min: 1, max: 3 })),
    fc.boolean(),
    seeds,
    async ([rows, columns], strides, activated, seed) => {
      const window = {
        kernel_shape: [rows[0], columns[0]],
        dilations: [rows[1], columns[1]],
        pads: [rows[2], columns[2], rows[3], columns[3]],
        strides,
      };
      const network = await imported((b) => {
        const x = b.conv('image', 2, 3, 3, MAP);
        const pooled = b.node('MaxPool', [activated ? b.node('LeakyRelu', [x]) : x], window);
        return b.classifier(pooled, 3, 2);
      }, seed);
      assert.ok(network.layers.length <= 10);
    },
  );
  await fc.assert(property, { numRuns: 40 });
});

test('MaxPool with pads sees negative elements of a channel whose first ones are positive', async () => {
  const pool = { kernel_shape: [3, 3], strides: [2, 2], pads: [1, 1, 1, 1] };
  const mean = { kernel_shape: [3, 3], pads: [1, 1, 1, 1], count_include_pad: 1 };
  const numbers = (b: OnnxBuilder, values: number[]) => b.values([values.length], values);
  for (const first of [1, -1]) {
    await imported((b) => {
      const x = b.node('Relu', [b.conv('image', 2, 3, 3, MAP)]);
      const ones = numbers(b, [1, 1, 1]);
      const shifts = numbers(b, [first, -1, -1]);
      const normed = b.node('BatchNormalization', [x, ones, shifts, numbers(b, [0, 0, 0]), ones]);
      return b.classifier(b.node('MaxPool', [b.node('AveragePool', [normed], mean)], pool), 3, 2);
    });
    await imported((b) => {
      const x = b.node('Relu', [b.conv('image', 2, 3, 3, MAP)]);
      const shifts = Array.from({ length: 126 }, (_, i) => (i < 40 ? first : -4));
      const sum = b.node('Add', [b.node('AveragePool', [x], mean), b.values([3, 6, 7], shifts)]);
      return b.classifier(b.node('MaxPool', [sum], pool), 3, 2);
    });
  }
});

test('a position in the padding takes no ReLU: what it would lose against passes as it is', async () => {
  const window = { kernel_shape: [3, 3], strides: [3, 3], pads: [1, 0, 0, 0] };
  const network = await imported((b) => b.classifier(b.node('MaxPool', ['image'], window), 2, 1));
  // Windows of 2x2 output maps: 8 ReLUs each below, 5 at the upper border.
  const relus = gadgets(network).reduce((sum, [count]) => sum + count, 0);
  assert.equal(relus, 2 * (2 * 8 + 2 * 5));
});

test('a pool that alone reads an activation goes first: a ReLU per window instead of one per position', async () => {
  const pool = { kernel_shape: [2, 2], strides: [2, 2] };
  const network = await imported((b) => {
    const x = b.node('Relu', [b.conv('image', 2, 3, 3, MAP)]);
    const six = [b.values([], [0]), b.values([], [6])];
    const clipped = b.node('Clip', [b.conv(b.node('MaxPool', [x], pool), 3, 3, 3, MAP), ...six]);
    return b.classifier(b.node('MaxPool', [clipped], { kernel_shape: [1, 3] }), 3, 2);
  });
  assert.deepEqual(gadgets(network), [
    [2 * 27, 2 * 27],
    [27, 27],
    [27, 0],
    [9, 2 * 9],
    [9, 9],
    [2 * 9, 0],
  ]);
  const kept = await imported((b) => {
    const x = b.node('Relu', [b.conv('image', 2, 3, 3, MAP)]);
    const pooled = b.node('MaxPool', [x], { ...pool, strides: [1, 1] });
    const cropped = b.node('Pad', [x, b.integers([0, 0, 0, 0, 0, 0, -1, -1])]);
    return b.classifier(b.node('Add', [pooled, cropped]), 3, 2);
  });
  assert.deepEqual(gadgets(kept)[0], [126, 0], 'something else reads this ReLU');
});

test('a global maximum', async () => {
  const network = await imported((b) => {
    const pooled = b.node('Flatten', [b.node('GlobalMaxPool', [b.conv('image', 2, 3, 3)])]);
    return b.node('Gemm', [pooled, b.constant([3, 2])]);
  });
  assert.equal(network.layers.length, 1 + Math.ceil(Math.log2(20)));
});

const refused: Record<string, [Uint8Array, RegExp]> = {
  'pads that every position of a window reaches, over a map that may be negative': [
    file((b) => b.classifier(b.node('MaxPool', ['image'], { kernel_shape: [2, 2], ...MAP }), 2, 2)),
    /MaxPool .*smaller pads/,
  ],
  'bounds in the wrong order': [
    file((b) => b.classifier(b.node('Clip', ['image', b.values([], [2]), b.values([], [1])]), 2, 2)),
    /Clip .*lower bound/,
  ],
  'a slope per element': [
    file((b) => b.classifier(b.node('PRelu', ['image', b.constant([2, 6, 7])]), 2, 2)),
    /PRelu .*one number per channel/,
  ],
  'slopes along the rows': [
    file((b) => b.classifier(b.node('PRelu', ['image', b.constant([2, 1])]), 2, 2), 1, {
      channels: 2,
      height: 2,
      width: 2,
    }),
    /PRelu .*one number per channel/,
  ],
};

for (const [what, [bytes, message]] of Object.entries(refused))
  test(`refused with the reason: ${what}`, async () => {
    await assert.rejects(importOnnx(bytes), { code: 'model/unsupported', message });
  });
