import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { importOnnx } from '../../importer/import-onnx.ts';
import { OnnxBuilder } from '../support/onnx-builder.ts';
import { agrees, agreesInAnyLayout } from './against-runtime.ts';

const SAME = { pads: [1, 1, 1, 1] };
const BOOL = 9;
const FLOAT = 1;

type Activation = (b: OnnxBuilder, x: string) => string;

/** A small network with the activation twice. */
function network(activation: Activation): (b: OnnxBuilder) => string {
  return (b) => {
    const first = activation(b, b.conv('image', 3, 4, 3, SAME));
    return b.classifier(activation(b, b.conv(first, 4, 4, 3, SAME)), 4, 3);
  };
}

const number = (b: OnnxBuilder, value: number) => b.values([], [value]);
const compared = (b: OnnxBuilder, type: string, x: string, bound: number) =>
  b.node(type, [x, number(b, bound)]);
const cast = (b: OnnxBuilder, x: string) => b.node('Cast', [x], { to: FLOAT });
const times = (b: OnnxBuilder, x: string, factor: number) => b.node('Mul', [x, number(b, factor)]);
const plus = (b: OnnxBuilder, x: string, summand: number) => b.node('Add', [x, number(b, summand)]);

const CONTINUOUS: Record<string, Activation> = {
  'x times whether it is above zero': (b, x) => b.node('Mul', [x, cast(b, compared(b, 'Greater', x, 0))]),
  'whether zero is below x, times x': (b, x) =>
    b.node('Mul', [cast(b, b.node('Less', [number(b, 0), x])), x]),
  'zero where x is not above zero': (b, x) =>
    b.node('Where', [b.node('Not', [compared(b, 'Greater', x, 0)]), number(b, 0), x]),
  'zeros of the shape of the map where x is below zero': (b, x) =>
    b.node('Where', [compared(b, 'Less', x, 0), b.values([1, 4, 8, 8], new Array(256).fill(0)), x]),
  'a slope below zero': (b, x) => b.node('Where', [compared(b, 'GreaterOrEqual', x, 0), x, times(b, x, 0.1)]),
  'the magnitude by a choice': (b, x) =>
    b.node('Where', [compared(b, 'LessOrEqual', x, 0), b.node('Neg', [x]), x]),
  'the magnitude by a sign': (b, x) => b.node('Mul', [x, b.node('Sign', [x])]),
  'a bound by a choice, behind a Relu that others read': (b, x) => {
    const relu = b.node('Relu', [x]);
    const bounded = b.node('Where', [compared(b, 'Greater', relu, 1), number(b, 1), relu]);
    return b.node('Sub', [bounded, times(b, relu, 0.25)]);
  },
  'soft shrinkage by two comparisons': (b, x) => {
    const below = b.node('Where', [compared(b, 'Less', x, -0.5), plus(b, x, 0.5), number(b, 0)]);
    return b.node('Where', [compared(b, 'Greater', x, 0.5), plus(b, x, -0.5), below]);
  },
  'soft shrinkage by an operator': (b, x) => b.node('Shrink', [x], { lambd: 0.5, bias: 0.5 }),
  'a threshold at zero by an operator': (b, x) => b.node('ThresholdedRelu', [x], { alpha: 0 }),
  'three pieces none of which is flat': (b, x) => {
    const middle = b.node('Where', [compared(b, 'Greater', x, -1), x, plus(b, times(b, x, 2), 1)]);
    return b.node('Where', [compared(b, 'Less', x, 1), middle, plus(b, times(b, x, -0.5), 1.5)]);
  },
  'a choice by two conditions': (b, x) => {
    const inside = b.node('And', [compared(b, 'Greater', x, 0), compared(b, 'Less', x, 2)]);
    const outside = b.node('Or', [compared(b, 'LessOrEqual', x, 0), compared(b, 'GreaterOrEqual', x, 2)]);
    const above = b.node('Mul', [cast(b, compared(b, 'GreaterOrEqual', x, 2)), number(b, 2)]);
    const within = b.node('Mul', [x, cast(b, b.node('Not', [outside]))]);
    return b.node('Add', [b.node('Mul', [within, cast(b, inside)]), above]);
  },
  'a condition from numbers and back': (b, x) => {
    const positive = b.node('Cast', [b.node('Relu', [x])], { to: BOOL });
    return b.node('Where', [positive, x, times(b, x, 0.2)]);
  },
};

for (const [what, activation] of Object.entries(CONTINUOUS))
  test(`an activation by comparisons is a sum of ReLUs: ${what}`, async () => {
    await agrees(network(activation));
  });

test('a choice between two computed values by their order is their Max or Min', async () => {
  await agrees((b) => {
    const [x, y] = [b.conv('image', 3, 4, 3, SAME), b.conv('image', 3, 4, 3, SAME)];
    const larger = b.node('Where', [b.node('Greater', [x, y]), x, y]);
    const smaller = b.node('Where', [b.node('GreaterOrEqual', [x, y]), y, x]);
    return b.classifier(b.node('Sub', [larger, b.node('Relu', [smaller])]), 4, 3);
  });
});

test('a choice costs no more ReLUs than the activation that it stands for', async () => {
  const layersOf = async (activation: Activation) => {
    const b = new OnnxBuilder({ channels: 3, height: 8, width: 8 }, 1);
    const { layers } = await importOnnx(b.finish(network(activation)(b)));
    return layers.map(({ output, linear }) => [output, linear?.filter((flag) => flag === 1).length ?? 0]);
  };
  const relu = await layersOf((b, x) => b.node('Relu', [x]));
  const leaky = await layersOf((b, x) => b.node('LeakyRelu', [x], { alpha: 0.1 }));
  assert.deepEqual(await layersOf(CONTINUOUS['x times whether it is above zero']), relu);
  assert.deepEqual(await layersOf(CONTINUOUS['a slope below zero']), leaky);
});

const JUMPING: Record<string, { activation: Activation; at: string }> = {
  'a threshold': {
    activation: (b, x) => b.node('Where', [compared(b, 'Greater', x, 0.5), x, number(b, 0)]),
    at: 'jumps by 0\\.5 where that is 0\\.5',
  },
  'a sign alone': { activation: (b, x) => b.node('Sign', [x]), at: 'jumps by 2 where that is 0' },
  'a step': {
    activation: (b, x) => cast(b, compared(b, 'GreaterOrEqual', x, 1)),
    at: 'jumps by 1 where that is 1',
  },
  'a value at a single place': {
    activation: (b, x) => b.node('Add', [x, cast(b, compared(b, 'Equal', x, 2))]),
    at: 'jumps by 1 where that is 2',
  },
};

for (const [what, { activation, at }] of Object.entries(JUMPING))
  test(`${what} is refused in one line that names the place of the jump and the remedy`, async () => {
    const b = new OnnxBuilder({ channels: 3, height: 8, width: 8 }, 1);
    const logits = b.classifier(activation(b, b.conv('image', 3, 4, 3)), 4, 3);
    await assert.rejects(
      importOnnx(b.finish(logits)),
      ({ code, message }: { code: string; message: string }) => {
        assert.equal(code, 'model/unsupported');
        assert.match(
          message,
          new RegExp(`${at}, as no sum of ReLUs does: put a Relu or a Clip in its place`),
        );
        assert.equal(message.split('\n').length, 2);
        return true;
      },
    );
  });

test('a comparison of two computed values that chooses something else is refused', async () => {
  const b = new OnnxBuilder({ channels: 3, height: 8, width: 8 }, 1);
  const [x, y] = [b.conv('image', 3, 4, 3), b.conv('image', 3, 4, 3)];
  const chosen = b.node('Where', [b.node('Greater', [x, y]), x, times(b, y, 2)]);
  await assert.rejects(importOnnx(b.finish(b.classifier(chosen, 4, 3))), {
    code: 'model/unsupported',
    message: /Greater .*it compares what is computed/,
  });
});

test('continuous activations of any comparisons, on the values at which they bend, are the runtime’s', async () => {
  const step = fc.record({
    at: fc.integer({ min: -3, max: 3 }),
    slopes: fc.tuple(fc.integer({ min: -2, max: 2 }), fc.integer({ min: -2, max: 2 })),
    height: fc.integer({ min: -2, max: 2 }),
    type: fc.constantFrom('Greater', 'GreaterOrEqual', 'Less', 'LessOrEqual'),
    turned: fc.boolean(),
    product: fc.boolean(),
  });
  const property = fc.asyncProperty(fc.array(step, { minLength: 1, maxLength: 3 }), async (steps) => {
    await agreesInAnyLayout(
      (b) => {
        let x = b.node('Gemm', ['image', b.values([6, 6], identity(6))]);
        for (const { at, slopes, height, type, turned, product } of steps) {
          const bound = number(b, at);
          const condition = b.node(type, turned ? [bound, x] : [x, bound]);
          const lines = slopes.map((slope) => plus(b, times(b, plus(b, x, -at), slope), height));
          x = product
            ? b.node('Add', [
                b.node('Mul', [cast(b, condition), lines[0]]),
                b.node('Mul', [cast(b, b.node('Not', [condition])), lines[1]]),
              ])
            : b.node('Where', [condition, ...lines]);
        }
        return b.node('Gemm', [x, b.constant([6, 4])]);
      },
      [1, 6],
      1 + steps.length,
    );
  });
  await fc.assert(property, { numRuns: 60 });
});

function identity(size: number): number[] {
  return Array.from({ length: size * size }, (_, i) => (i % (size + 1) === 0 ? 1 : 0));
}

test('comparisons, choices and arithmetic without the inputs that they need are refused as broken', async () => {
  const broken: [string, number][] = [
    ['Where', 2],
    ['Greater', 1],
    ['Sub', 1],
    ['Mul', 1],
  ];
  for (const [type, count] of broken) {
    const b = new OnnxBuilder({ channels: 3, height: 8, width: 8 }, 1);
    const x = b.conv('image', 3, 4, 3);
    const square = b.node('Mul', [x, x]);
    const sign = b.node('Sign', [square]);
    const short = b.node(type, [sign, x].slice(0, count));
    const logits = b.classifier(b.node('Add', [short, square]), 4, 3);
    await assert.rejects(
      importOnnx(b.finish(logits)),
      ({ code, cause }: { code: string; cause?: unknown }) => {
        assert.match(code, /^model\/(format|unsupported)$/);
        assert.ok(!(cause instanceof TypeError));
        return true;
      },
    );
  }
});
