import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { importOnnx } from '../../importer/import-onnx.ts';
import { type FloatLayer, FloatRunner } from '../../model/float-network.ts';
import { OnnxBuilder } from '../support/onnx-builder.ts';
import { referenceLogits } from '../support/onnx-reference.ts';

const INPUT = { channels: 2, height: 4, width: 5 };
const SAME = { pads: [1, 1, 1, 1] };
const MAP = [3, 4, 5];
const AREA = 20;

/** The layers of a file, whose logits must be an independent runtime's. */
async function imported(build: (b: OnnxBuilder) => string, seed = 1): Promise<readonly FloatLayer[]> {
  const b = new OnnxBuilder(INPUT, seed);
  const file = b.finish(build(b));
  const network = await importOnnx(file);
  const image = Float32Array.from({ length: 40 }, () => b.random() * 4 - 2);
  const logits = new FloatRunner(network).run(image).at(-1)!;
  const reference = await referenceLogits(file, INPUT, image);
  const most = Math.max(1, ...reference.map(Math.abs));
  for (const [i, expected] of reference.entries())
    assert.ok(
      Math.abs(logits[i] - expected) < 1e-4 * most,
      `logit ${i}: ${logits[i]} instead of ${expected}`,
    );
  return network.layers;
}

/** How many elements of each layer but the last are squares and linear. */
function kinds(layers: readonly FloatLayer[]): [number, number][] {
  const count = (flags: Uint8Array | null) => flags?.reduce((sum, flag) => sum + flag, 0) ?? 0;
  return layers.slice(0, -1).map(({ square, linear }) => [count(square), count(linear)]);
}

const number = (b: OnnxBuilder, value: number) => b.values([], [value]);
/** p2 x^2 + p1 x + p0 from operators of one input and a constant each. */
function quadratic(b: OnnxBuilder, x: string, p2: string, p1: string, p0: string): string {
  const line = b.node('Add', [b.node('Mul', [p1, x]), p0]);
  return b.node('Add', [b.node('Mul', [b.node('Mul', [x, x]), p2]), line]);
}

/** Forms of the same activation of x, a map of three channels. */
const FORMS: Record<string, (b: OnnxBuilder, x: string) => string> = {
  'Mul(x, x)': (b, x) => b.node('Mul', [x, x]),
  'Pow(x, 2)': (b, x) => b.node('Pow', [x, number(b, 2)]),
  'a square with a scale and a constant': (b, x) =>
    b.node('Add', [b.node('Mul', [b.node('Pow', [x, number(b, 2)]), number(b, -0.3)]), number(b, 0.7)]),
  "DELPHI's quadratic": (b, x) => quadratic(b, x, number(b, 0.1997), number(b, 0.5002), number(b, 0.1992)),
  'coefficients per channel': (b, x) =>
    quadratic(b, x, b.constant([3, 1, 1], 0.1, 1), b.constant([1, 3, 1, 1]), b.constant([3, 1, 1])),
  'coefficients of x^2 of either sign, per channel': (b, x) =>
    quadratic(b, x, b.values([3, 1, 1], [0.2, -0.4, 0]), b.constant([3, 1, 1]), b.constant(MAP)),
  'Horner: x (a x + b) + c': (b, x) => {
    const line = b.node('Add', [b.node('Mul', [x, number(b, 0.3)]), b.constant([3, 1, 1])]);
    return b.node('Add', [b.node('Mul', [x, line]), number(b, 0.2)]);
  },
  'the square of a line: (x / 2 - b)^2': (b, x) => {
    const line = b.node('Sub', [b.node('Div', [x, number(b, 2)]), b.constant([3, 1, 1])]);
    return b.node('Pow', [line, number(b, 2)]);
  },
  'a constant less the square: c - x^2': (b, x) => b.node('Sub', [number(b, 1), b.node('Mul', [x, x])]),
  'the product of two lines': (b, x) =>
    b.node('Mul', [
      b.node('Neg', [b.node('Add', [x, number(b, 0.5)])]),
      b.node('Sub', [b.constant([3, 1, 1]), x]),
    ]),
  'a sum of three': (b, x) =>
    b.node('Sum', [b.node('Mul', [x, x]), b.node('Identity', [x]), b.constant([3, 1, 1])]),
  'a square that x is added to again': (b, x) => b.node('Add', [b.node('Mul', [x, x]), x]),
};

for (const [what, form] of Object.entries(FORMS))
  test(`${what} is one layer of squares`, async () => {
    const layers = await imported((b) => b.classifier(form(b, b.conv('image', 2, 3, 3, SAME)), 3, 4));
    const squares = what.startsWith('coefficients of x^2') ? 2 * AREA : 3 * AREA;
    assert.deepEqual(kinds(layers), [[squares, 3 * AREA - squares]]);
  });

for (const [what, form] of Object.entries(FORMS))
  test(`${what} before a convolution with padding, whose border differs`, async () => {
    const layers = await imported((b) => {
      const t = form(b, b.conv('image', 2, 3, 3, SAME));
      return b.classifier(b.node('Relu', [b.conv(t, 3, 5, 3, SAME)]), 5, 4);
    }, 7);
    assert.equal(layers.length, 3);
  });

/** M kept where 1, for activations y1 and y2: M y1 + (1 - M) y2. */
function between(b: OnnxBuilder, mask: number[], dims: number[], y1: string, y2: string): string {
  const kept = b.node('Mul', [y1, b.values(dims, mask)]);
  const other = b.node('Mul', [
    b.values(
      dims,
      mask.map((flag) => 1 - flag),
    ),
    y2,
  ]);
  return b.node('Add', [kept, other]);
}

test('masks choose between a quadratic, a ReLU and identity, by element or by channel', async () => {
  const property = fc.asyncProperty(
    fc.nat(10_000),
    fc.constantFrom(MAP, [3, 1, 1], [1, 4, 5]),
    fc.constantFrom('Relu', 'identity', 'both'),
    async (seed, dims, other) => {
      const size = dims.reduce((product, dim) => product * dim, 1);
      let mask: number[] = [];
      let second: number[] = [];
      const layers = await imported((b) => {
        mask = Array.from({ length: size }, () => Number(b.random() < 0.5));
        second = Array.from({ length: size }, () => Number(b.random() < 0.5));
        const x = b.conv('image', 2, 3, 3, SAME);
        const squared = quadratic(b, x, b.constant([3, 1, 1], 0.1, 1), b.constant([3, 1, 1]), number(b, 0.1));
        const rest =
          other === 'identity'
            ? x
            : other === 'Relu'
              ? b.node('Relu', [x])
              : between(b, second, dims, b.node('Relu', [x]), x);
        const t = between(b, mask, dims, squared, rest);
        return b.classifier(b.node('Relu', [b.conv(t, 3, 4, 3, SAME)]), 4, 3);
      }, seed);
      const times = (3 * AREA) / size;
      const sum = (flags: number[]) => flags.reduce((total, flag) => total + flag, 0);
      const passed = mask.map((flag, i) =>
        flag || other === 'Relu' ? 0 : other === 'identity' ? 1 : 1 - second[i],
      );
      assert.deepEqual(kinds(layers)[0], [times * sum(mask), times * sum(passed)]);
    },
  );
  await fc.assert(property, { numRuns: 40 });
});

test('masks between a quadratic and the identity take coefficients of either sign', async () => {
  await imported((b) => {
    const x = b.conv('image', 2, 3, 3, SAME);
    const mask = Array.from({ length: 60 }, (_, i) => i % 2);
    const squared = quadratic(
      b,
      x,
      b.values([3, 1, 1], [-0.5, 0.5, -2]),
      b.constant([3, 1, 1]),
      number(b, 1),
    );
    return b.classifier(between(b, mask, MAP, squared, x), 3, 4);
  });
});

test('masks that leave elements out, and activations that x is added to or taken from, are one layer', async () => {
  const odd = Array.from({ length: 60 }, (_, i) => i % 2);
  const left = await imported((b) => {
    const x = b.conv('image', 2, 3, 3, SAME);
    return b.classifier(b.node('Mul', [b.node('Mul', [x, x]), b.values(MAP, odd)]), 3, 4);
  });
  assert.deepEqual(kinds(left), [[30, 30]]);
  for (const operator of ['Add', 'Sub'])
    for (const other of ['Relu', 'Identity']) {
      const layers = await imported((b) => {
        const x = b.conv('image', 2, 3, 3, SAME);
        const t = between(b, odd, MAP, b.quadratic(x, 3), b.node(other, [x]));
        return b.classifier(b.node(operator, [t, x]), 3, 4);
      });
      assert.deepEqual(kinds(layers), [[30, other === 'Relu' ? 0 : 30]]);
    }
});

test('a ReLU of a line of x, with a factor, stands beside squares', async () => {
  for (const factor of [-2, -0.5, 0.7]) {
    const layers = await imported((b) => {
      const x = b.conv('image', 2, 3, 3, SAME);
      const mask = Array.from({ length: 60 }, (_, i) => i % 2);
      const line = b.node('Add', [b.node('Mul', [x, number(b, factor)]), b.constant(MAP)]);
      const relu = b.node('Mul', [b.node('Relu', [line]), number(b, 3)]);
      return b.classifier(between(b, mask, MAP, b.node('Mul', [x, x]), relu), 3, 4);
    });
    assert.deepEqual(kinds(layers), [[30, 0]]);
  }
});

test('squares follow one another, are pooled, merged with skips, and are of vectors and of the image', async () => {
  const layers = await imported((b) => {
    const first = b.node('Mul', ['image', 'image']);
    const x = b.conv(first, 2, 3, 3, SAME);
    const second = b.node('Add', [b.node('Mul', [x, x]), b.conv('image', 2, 3, 1)]);
    const pooled = b.node('AveragePool', [second], { kernel_shape: [2, 2], strides: [2, 2] });
    const flat = b.node('Flatten', [pooled]);
    const hidden = b.node('Gemm', [flat, b.constant([12, 6]), b.constant([6])]);
    const third = b.node('Pow', [hidden, number(b, 2)]);
    return b.node('Gemm', [third, b.constant([6, 3]), b.constant([3])]);
  });
  assert.deepEqual(kinds(layers), [
    [40, 0],
    [60, 0],
    [6, 0],
  ]);
});

test('the fourth power is a square of a square', async () => {
  const layers = await imported((b) => {
    const x = b.conv('image', 2, 3, 3, SAME);
    const square = b.node('Mul', [x, x]);
    return b.classifier(b.node('Mul', [square, square]), 3, 4);
  });
  assert.deepEqual(kinds(layers), [
    [60, 0],
    [60, 0],
  ]);
});

test('an activation that several read is one layer, and so is one that is read on the way', async () => {
  const layers = await imported((b) => {
    const x = b.conv('image', 2, 3, 3, SAME);
    const square = b.node('Mul', [x, x]);
    const more = b.node('Add', [b.node('Mul', [square, number(b, 0.5)]), number(b, 1)]);
    const sum = b.node('Add', [b.conv(square, 3, 3, 3, SAME), b.conv(more, 3, 3, 1)]);
    return b.classifier(b.node('Relu', [sum]), 3, 4);
  });
  assert.deepEqual(kinds(layers), [
    [60, 0],
    [0, 0],
  ]);
});

test('a value that is squared and goes through a ReLU elsewhere has both', async () => {
  const layers = await imported((b) => {
    const x = b.conv('image', 2, 3, 3, SAME);
    const sum = b.node('Add', [b.conv(b.node('Mul', [x, x]), 3, 2, 1), b.conv(b.node('Relu', [x]), 3, 2, 1)]);
    return b.classifier(sum, 2, 4);
  });
  assert.equal(kinds(layers)[0][0], 60);
});

const REFUSED: Record<string, [(b: OnnxBuilder, x: string) => string, RegExp]> = {
  'a cube': [(b, x) => b.node('Pow', [x, number(b, 3)]), /only the powers 1 and 2/],
  'the product of x^2 and x': [(b, x) => b.node('Mul', [b.node('Mul', [x, x]), x]), /multiplies two values/],
  'the product of two values': [
    (b, x) => b.node('Mul', [x, b.conv('image', 2, 3, 1)]),
    /multiplies two values/,
  ],
  'a square and a ReLU of one element': [
    (b, x) => b.node('Add', [b.node('Mul', [x, x]), b.node('Relu', [x])]),
    /sum of a square and a ReLU/,
  ],
  'coefficients of x^2 that differ in a channel': [
    (b, x) => b.node('Mul', [b.node('Mul', [x, x]), b.constant(MAP, 0.1, 1)]),
    /one number, or one per channel/,
  ],
  'negative squares beside ReLUs in a channel': [
    (b, x) => {
      const negative = b.node('Mul', [b.node('Mul', [x, x]), number(b, -1)]);
      return between(
        b,
        Array.from({ length: 60 }, (_, i) => i % 2),
        MAP,
        negative,
        b.node('Relu', [x]),
      );
    },
    /above zero/,
  ],
  'ReLUs and others of unlike factors beside squares': [
    (b, x) => {
      const odd = Array.from({ length: 60 }, (_, i) => i % 2);
      const third = Array.from({ length: 60 }, (_, i) => Number(i % 3 === 0));
      const twice = b.node('Mul', [b.node('Relu', [x]), number(b, 2)]);
      return between(b, odd, MAP, b.node('Mul', [x, x]), between(b, third, MAP, twice, x));
    },
    /one factor/,
  ],
};

for (const [what, [form, message]] of Object.entries(REFUSED))
  test(`${what} is refused, saying what to do`, async () => {
    const b = new OnnxBuilder(INPUT, 1);
    const file = b.finish(b.classifier(form(b, b.conv('image', 2, 3, 3, SAME)), 3, 4));
    await assert.rejects(importOnnx(file), { code: 'model/unsupported', message });
  });
