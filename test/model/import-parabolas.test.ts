import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { elementsOf } from '../../model/geometry.ts';
import type { OnnxBuilder } from '../support/onnx-builder.ts';
import { agrees } from './against-runtime.ts';

const SAME = { pads: [1, 1, 1, 1] };

type Activation = (b: OnnxBuilder, x: string) => string;

/** A small network with the activation twice; the first convolution's values reach beyond the knots. */
function network(activation: Activation): (b: OnnxBuilder) => string {
  return (b) => {
    const wide = b.node('Mul', [b.conv('image', 3, 4, 3, SAME), b.values([], [2])]);
    return b.classifier(activation(b, b.conv(activation(b, wide), 4, 4, 3, SAME)), 4, 3);
  };
}

const number = (b: OnnxBuilder, value: number) => b.values([], [value]);
const line = (b: OnnxBuilder, x: string, slope: number, offset: number) =>
  b.node('Add', [b.node('Mul', [x, number(b, slope)]), number(b, offset)]);
const clip = (b: OnnxBuilder, x: string, low: number, high: number) =>
  b.node('Clip', [x, number(b, low), number(b, high)]);

const PRODUCTS: Record<string, Activation> = {
  HardSwish: (b, x) => b.node('HardSwish', [x]),
  'x times its HardSigmoid': (b, x) =>
    b.node('Mul', [x, b.node('HardSigmoid', [x], { alpha: 1 / 6, beta: 0.5 })]),
  'x times Relu6(x + 3), over 6': (b, x) => {
    const gate = clip(b, b.node('Add', [x, number(b, 3)]), 0, 6);
    return b.node('Div', [b.node('Mul', [x, gate]), number(b, 6)]);
  },
  'x times its Relu': (b, x) => b.node('Mul', [x, b.node('Relu', [x])]),
  'x times its magnitude': (b, x) => b.node('Mul', [b.node('Abs', [x]), x]),
  'a magnitude times itself': (b, x) => {
    const shifted = line(b, x, 1, 0.25);
    return b.node('Mul', [b.node('Abs', [shifted]), b.node('Abs', [shifted])]);
  },
  'a Relu times that of the other sign, which is zero, beside x': (b, x) => {
    const other = b.node('Relu', [b.node('Neg', [x])]);
    return b.node('Add', [x, b.node('Mul', [b.node('Relu', [x]), other])]);
  },
  'parabolas on both sides and a line between': (b, x) =>
    b.node('Mul', [
      clip(b, line(b, x, 1, 0.5), -9, 0.75),
      line(b, b.node('LeakyRelu', [x], { alpha: 0.25 }), 1, -1),
    ]),
  'a parabola between two lines': (b, x) =>
    b.node('Mul', [clip(b, x, -0.5, 1), line(b, clip(b, x, -0.5, 1), 0.5, -2)]),
};

for (const [what, activation] of Object.entries(PRODUCTS))
  test(`a product of piecewise lines is squares of limited values: ${what}`, async () => {
    await agrees(network(activation));
  });

test('HardSwish takes two ReLUs and a square per element', async () => {
  const { layers } = await agrees((b) =>
    b.classifier(b.node('HardSwish', [b.conv('image', 3, 4, 3, SAME)]), 4, 3),
  );
  const marked = (flags: Uint8Array | null) => flags?.reduce((sum, flag) => sum + flag, 0) ?? 0;
  const counts = layers.slice(0, -1).map(({ output, square, linear }) => {
    const [squares, lines] = [marked(square), marked(linear)];
    return [elementsOf(output) - squares - lines, squares, lines];
  });
  assert.deepEqual(counts, [
    [2 * 256, 0, 0],
    [0, 256, 0],
  ]);
});

test('products of random piecewise lines agree with the independent runtime', async () => {
  const bound = fc.integer({ min: -8, max: 8 }).map((n) => n / 4);
  const factor: fc.Arbitrary<Activation> = fc.oneof(
    fc.tuple(bound, bound).map(
      ([a, c]): Activation =>
        (b, x) =>
          line(b, x, a || 1, c),
    ),
    fc.tuple(bound, bound).map(
      ([a, c]): Activation =>
        (b, x) =>
          clip(b, x, Math.min(a, c), Math.max(a, c) + 0.5),
    ),
    bound.map(
      (a): Activation =>
        (b, x) =>
          b.node('Relu', [line(b, x, -1, a)]),
    ),
    bound.map(
      (a): Activation =>
        (b, x) =>
          b.node('Abs', [line(b, x, 1, a)]),
    ),
  );
  await fc.assert(
    fc.asyncProperty(factor, factor, fc.nat(1000), async (f, g, seed) => {
      await agrees(
        (b) => {
          const x = b.conv('image', 3, 4, 3, SAME);
          return b.classifier(b.node('Mul', [f(b, x), g(b, x)]), 4, 3);
        },
        undefined,
        seed,
      );
    }),
    { numRuns: 60 },
  );
});
