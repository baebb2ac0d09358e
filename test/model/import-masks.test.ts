import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { seededRandom } from '../../fixtures/seeded-random.ts';
import { importOnnx } from '../../importer/import-onnx.ts';
import { FloatRunner } from '../../model/float-network.ts';
import { OnnxBuilder } from '../support/onnx-builder.ts';
import { referenceLogits } from '../support/onnx-reference.ts';
import { agrees } from './against-runtime.ts';

const INPUT = { channels: 2, height: 4, width: 5 };
const MAP = { pads: [1, 1, 1, 1] };

/** The layers of a file, whose logits must be an independent runtime's. */
async function imported(build: (b: OnnxBuilder) => string, seed = 1) {
  const b = new OnnxBuilder(INPUT, seed);
  return agreed(b.finish(build(b)), b.random);
}

async function agreed(file: Uint8Array, random: () => number) {
  const network = await importOnnx(file);
  const image = Float32Array.from({ length: 40 }, () => random() * 4 - 2);
  const logits = new FloatRunner(network).run(image).at(-1)!;
  for (const [i, expected] of (await referenceLogits(file, INPUT, image)).entries())
    assert.ok(Math.abs(logits[i] - expected) < 1e-4, `logit ${i}: ${logits[i]} instead of ${expected}`);
  return network.layers;
}

const randomMask = (b: OnnxBuilder, length: number) => Array.from({ length }, () => Number(b.random() < 0.5));

test('a mask of every shape that broadcasts to the elements is read as the runtime reads it', async () => {
  const shapes = [[3, 4, 5], [3, 1, 1], [1, 3, 4, 5], [1, 3, 1, 1], [4, 1], [5], [1, 1, 5], []];
  const property = fc.asyncProperty(fc.constantFrom(...shapes), fc.nat(1000), async (dims, seed) => {
    const size = dims.reduce((product, dim) => product * dim, 1);
    let mask: number[] = [];
    const [{ linear }] = await imported((b) => {
      mask = randomMask(b, size);
      return b.classifier(b.maskedRelu(b.conv('image', 2, 3, 3, MAP), dims, mask), 3, 2);
    }, seed);
    assert.equal(
      linear === null,
      mask.every((keep) => keep === 1),
    );
    if (dims.length === 3 && size === 60)
      assert.deepEqual([...(linear ?? [])], linear && mask.map((m) => 1 - m));
    if (size === 3 && linear)
      assert.deepEqual(
        [...linear],
        [...linear.keys()].map((i) => 1 - mask[Math.floor(i / 20)]),
      );
  });
  await fc.assert(property, { numRuns: 30 });
});

test('several masked layers follow one another, whole layers become linear, vectors have masks too', async () => {
  const layers = await imported((b) => {
    const first = b.maskedRelu(b.conv('image', 2, 3, 3, MAP), [3, 1, 1], [0, 0, 0]);
    const second = b.maskedRelu(b.conv(first, 3, 4, 3, MAP), [4, 4, 5], randomMask(b, 80));
    const sum = b.node('Add', [b.conv(second, 4, 4, 1), second]);
    const pooled = b.node('Flatten', [b.node('GlobalAveragePool', [b.node('Relu', [sum])])]);
    const hidden = b.node('Gemm', [pooled, b.constant([4, 6]), b.constant([6])]);
    const third = b.maskedRelu(hidden, [6], [1, 0, 1, 1, 0, 0]);
    return b.node('Gemm', [third, b.constant([6, 3]), b.constant([3])]);
  });
  assert.deepEqual(
    layers.map(({ linear }) => linear && linear.reduce((sum, flag) => sum + flag, 0) / linear.length),
    [1, layers[1].linear!.filter((flag) => flag).length / 80, null, 0.5, null],
  );
});

test('factors and summands may stand in either order', async () => {
  const [{ linear }] = await imported((b) => {
    const x = b.conv('image', 2, 2, 3, MAP);
    const passed = b.node('Mul', [b.values([2, 1, 1], [0, 1]), x]);
    const kept = b.node('Mul', [b.values([2, 1, 1], [1, 0]), b.node('Relu', [x])]);
    return b.classifier(b.node('Add', [passed, kept]), 2, 2);
  });
  assert.deepEqual([...linear!], [...new Array(20).fill(0), ...new Array(20).fill(1)]);
});

test('masks that exporters share between nodes are found behind an Identity', async () => {
  const [{ linear }] = await imported((b) => {
    const x = b.conv('image', 2, 2, 3, MAP);
    const [mask, complement] = [EVEN[1], EVEN[1].map((kept) => 1 - kept)].map((flags) =>
      b.node('Identity', [b.values(EVEN[0], flags)]),
    );
    const kept = b.node('Mul', [b.node('Relu', [x]), mask]);
    return b.classifier(b.node('Add', [kept, b.node('Mul', [x, complement])]), 2, 2);
  });
  assert.deepEqual(
    [...linear!],
    EVEN[1].map((kept) => 1 - kept),
  );
});

test('a choice between a Relu and its input by a constant mask is a masked Relu', async () => {
  const { values, dims } = { dims: [2, 4, 5], values: randomMask(new OnnxBuilder(INPUT, 7), 40) };
  for (const kept of [1, 0]) {
    const [{ linear }] = await imported((b) => {
      const x = b.conv('image', 2, 2, 3, MAP);
      const mask = b.node('Cast', [b.values(dims, values)], { to: 9 });
      const relu = b.node('Relu', [x]);
      const chosen = b.node('Where', [mask, kept ? relu : x, kept ? x : relu]);
      const rows = b.node('Gather', [b.node('Shape', [chosen]), b.integers([0])], { axis: 0 });
      const shape = b.node('Concat', [rows, b.integers([-1, 4, 5])], { axis: 0 });
      return b.classifier(b.node('Reshape', [chosen, shape]), 2, 2);
    });
    assert.deepEqual(
      [...linear!],
      values.map((flag) => Number(flag !== kept)),
    );
  }
});

const CHOICES: Record<string, (b: OnnxBuilder, mask: string, x: string) => string> = {
  'two values': (b, mask, x) => b.node('Where', [mask, x, b.conv('image', 2, 2, 1)]),
  'a value and one number': (b, mask, x) => b.node('Where', [mask, x, b.values([], [0.7])]),
  'a value and numbers that are infinite where they are not chosen': (b, mask, x) =>
    b.node('Where', [mask, b.values([5], [1, 2, Number.NaN, Number.POSITIVE_INFINITY, 3]), x]),
  'a square and a Relu': (b, mask, x) => b.node('Where', [mask, b.node('Mul', [x, x]), b.node('Relu', [x])]),
};

for (const [what, choice] of Object.entries(CHOICES))
  test(`a choice by a constant mask is run as the runtime runs it: ${what}`, async () => {
    await imported((b) => {
      const x = b.conv('image', 2, 2, 3, MAP);
      const mask = b.node('Cast', [b.values([2, 1, 5], [1, 1, 0, 0, 1, 0, 1, 0, 0, 1])], { to: 9 });
      return b.node('Flatten', [choice(b, mask, x)]);
    });
  });

test('a choice of minus infinity is refused', async () => {
  const b = new OnnxBuilder(INPUT, 3);
  const mask = b.node('Cast', [b.values([2, 1, 1], [1, 0])], { to: 9 });
  const chosen = b.node('Where', [mask, 'image', b.values([], [Number.NEGATIVE_INFINITY])]);
  await assert.rejects(importOnnx(b.finish(b.classifier(chosen, 2, 2))), { code: 'model/unsupported' });
});

interface Parts {
  readonly x: string;
  readonly relu: string;
  readonly kept: string;
  readonly passed: string;
}

/** A mask that keeps every second element: no product by one number per channel. */
const EVEN: [number[], number[]] = [[2, 4, 5], Array.from({ length: 40 }, (_, i) => i % 2)];

/** A file in which only `end` decides what becomes of the parts of a masked Relu. */
function fileOf(
  end: (b: OnnxBuilder, parts: Parts) => string,
  mask: [number[], number[]] = EVEN,
  complement: [number[], number[]] = [EVEN[0], EVEN[1].map((kept) => 1 - kept)],
): Uint8Array {
  const b = new OnnxBuilder(INPUT, 3);
  const x = b.conv('image', 2, 2, 3, MAP);
  const relu = b.node('Relu', [x]);
  const kept = b.node('Mul', [relu, b.values(...mask)]);
  const passed = b.node('Mul', [x, b.values(...complement)]);
  return b.finish(b.classifier(end(b, { x, relu, kept, passed }), 2, 2));
}

const sum = (b: OnnxBuilder, { kept, passed }: Parts) => b.node('Add', [kept, passed]);
const bad: Record<string, [Uint8Array, RegExp]> = {
  'a mask between 0 and 1': [
    fileOf(
      sum,
      [
        [2, 1, 1],
        [0.5, 1],
      ],
      [
        [2, 1, 1],
        [0.5, 0],
      ],
    ),
    /Relu .*0 and 1/,
  ],
  'a mask of 2 and -1': [
    fileOf(
      sum,
      [
        [2, 1, 1],
        [2, 1],
      ],
      [
        [2, 1, 1],
        [-1, 0],
      ],
    ),
    /Relu .*0 and 1/,
  ],
  'masks that overlap': [
    fileOf(sum, [
      [2, 1, 1],
      [1, 1],
    ]),
    /Relu .*add up to 1/,
  ],
  'masks that leave an element out': [
    fileOf(sum, [
      [2, 1, 1],
      [0, 0],
    ]),
    /Relu .*add up to 1/,
  ],
  'a mask for another number of channels': [
    fileOf(sum, [
      [3, 1, 1],
      [1, 0, 1],
    ]),
    /Relu .*3x1x1 does not fit/,
  ],
  'a mask for another map': [fileOf(sum, [[2, 5, 4], new Array(40).fill(1)]), /2x5x4 does not fit/],
  'a mask that makes a batch of one image': [
    fileOf(sum, [
      [2, 2, 1, 1],
      [1, 0, 1, 0],
    ]),
    /2x2x1x1 does not fit/,
  ],
  'a complement that does not broadcast': [fileOf(sum, undefined, [[2], [0, 1]]), /mask of 2 does not fit/],
};

for (const [what, [file, message]] of Object.entries(bad))
  test(`a file is refused that has ${what}`, async () => {
    await assert.rejects(importOnnx(file), { code: 'model/unsupported', message });
  });

test('a mask that is computed is refused', async () => {
  const b = new OnnxBuilder(INPUT, 3);
  const x = b.conv('image', 2, 2, 3, MAP);
  const kept = b.node('Mul', [b.node('Relu', [x]), b.conv('image', 2, 2, 3, MAP)]);
  const passed = b.node('Mul', [x, b.values([2, 1, 1], [0, 1])]);
  const file = b.finish(b.classifier(b.node('Add', [kept, passed]), 2, 2));
  await assert.rejects(importOnnx(file), { code: 'model/unsupported', message: /Mul .*masks of a Relu/ });
});

/** What looks like a masked Relu and is none: products by a number per element. */
const products: Record<string, Parameters<typeof fileOf>[0]> = {
  'a Relu that something else reads too': (b, parts) => b.node('Add', [sum(b, parts), parts.relu]),
  'a masked Relu that something else reads too': (b, parts) => b.node('Add', [sum(b, parts), parts.kept]),
  'a masked input that something else reads too': (b, parts) => b.node('Add', [sum(b, parts), parts.passed]),
  'no input beside the masked Relu': (_, { kept }) => kept,
  'another value beside the masked Relu': (b, { kept }) => {
    const other = b.node('Mul', [b.conv('image', 2, 2, 1), b.values(...EVEN)]);
    return b.node('Add', [kept, other]);
  },
  'a masked Relu twice': (b, { kept }) => b.node('Add', [kept, kept]),
  'a difference': (b, { kept, passed }) => b.node('Sub', [kept, passed]),
};

for (const [what, end] of Object.entries(products))
  test(`factors per element are run as the runtime runs them: ${what}`, async () => {
    await agreed(fileOf(end), seededRandom(1));
  });

test('a Relu and its input with slopes are a linear form, and no mask', async () => {
  await agrees((b) => {
    const x = b.conv('image', 3, 4, 3, { pads: [1, 1, 1, 1] });
    const times = (value: string, factor: string) => b.node('Mul', [value, factor]);
    const [much, little] = [b.values([], [0.9]), b.values([], [0.1])];
    const leaky = b.node('Add', [times(b.node('Relu', [x]), much), times(x, little)]);
    const y = b.conv(leaky, 4, 4, 1);
    const slopes = [b.constant([4, 1, 1]), b.constant([4, 1, 1])];
    const each = b.node('Add', [times(b.node('Relu', [y]), slopes[0]), times(y, slopes[1])]);
    return b.classifier(b.node('Relu', [each]), 4, 3);
  });
});
