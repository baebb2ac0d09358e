import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { seededRandom } from '../../fixtures/seeded-random.ts';
import { type Bias, convolveBias, lazyBias } from '../../importer/bias.ts';
import { chooseCuts } from '../../importer/choose-cuts.ts';
import type { DenseKernel } from '../../importer/dense-kernel.ts';
import { readOnnx } from '../../importer/read-onnx.ts';
import { OnnxBuilder } from '../support/onnx-builder.ts';

const size = (max: number) => fc.integer({ min: 1, max });
const pad = fc.integer({ min: 0, max: 3 });

test('the bias of a convolution is the zero-padded convolution of the bias of its input', () => {
  fc.assert(
    fc.property(
      fc.record({ channels: size(3), height: size(6), width: size(6) }),
      fc.record({ out: size(3), height: size(5), width: size(5) }),
      fc.record({
        ...{ strideY: size(3), strideX: size(3), padTop: pad, padLeft: pad },
        ...{ outHeight: size(5), outWidth: size(5) },
      }),
      fc.boolean(),
      fc.integer(),
      (shape, { out, height, width }, window, uniform, seed) => {
        const random = seededRandom(seed);
        const values = (length: number) => Float64Array.from({ length }, () => random() - 0.5);
        const area = shape.height * shape.width;
        const data = values(out * shape.channels * height * width);
        const kernel: DenseKernel = { out, in: shape.channels, height, width, data };
        const inner = values(shape.channels * (uniform ? 1 : area));
        const outer = values(out);
        const { outHeight, outWidth, strideY, strideX, padTop, padLeft } = window;
        const expected = Float64Array.from({ length: out * outHeight * outWidth }, (_, i) => {
          const [o, y, x] = [
            Math.floor(i / (outHeight * outWidth)),
            Math.floor(i / outWidth) % outHeight,
            i % outWidth,
          ];
          let sum = outer[o];
          for (const [j, weight] of kernel.data.entries()) {
            const [plane, tap] = [Math.floor(j / (height * width)), j % (height * width)];
            const row = y * strideY + Math.floor(tap / width) - padTop;
            const column = x * strideX + (tap % width) - padLeft;
            const inside = row >= 0 && row < shape.height && column >= 0 && column < shape.width;
            if (Math.floor(plane / shape.channels) !== o || !inside) continue;
            const channel = plane % shape.channels;
            sum += weight * inner[uniform ? channel : channel * area + row * shape.width + column];
          }
          return sum;
        });
        const got = convolveBias(inner, shape, kernel, outer, window);
        for (const [i, value] of expected.entries())
          assert.ok(Math.abs(got[Math.floor((i * got.length) / expected.length)] - value) < 1e-12);
      },
    ),
  );
});

test('a bias is computed when it is first read, and once', () => {
  let computed = 0;
  const bias = lazyBias(() => Float64Array.of(++computed));
  assert.equal(computed, 0);
  assert.deepEqual([...bias.values, ...bias.values], [1, 1]);
});

/** A graph in which the biases of whole maps pass through linear operators of all kinds. */
async function biasedGraph() {
  const b = new OnnxBuilder({ channels: 3, height: 8, width: 8 }, 1);
  const conv = (x: string, from: number, to: number, size: number) =>
    b.node('Conv', [x, b.constant([to, from, size, size]), b.constant([to])], {
      pads: new Array(4).fill((size - 1) / 2),
    });
  const active = b.node('Relu', [conv(conv('image', 3, 4, 1), 4, 4, 3)]);
  const padded = conv(conv(active, 4, 4, 1), 4, 4, 3);
  const scaled = b.node('Mul', [b.batchNorm(padded, 4), b.constant([4, 1, 1], 0.5, 2)]);
  const sum = b.node('Add', [b.node('Add', [scaled, conv(active, 4, 4, 1)]), b.constant([4, 8, 8])]);
  const joined = b.node('Concat', [sum, b.node('Neg', [padded])], { axis: 1 });
  const pooled = b.node('AveragePool', [joined], { kernel_shape: [2, 2], strides: [2, 2] });
  const cut = conv(conv(pooled, 8, 4, 3), 4, 4, 3);
  const gained = b.node('Mul', [cut, b.constant([4, 4, 4], 0.5, 2)]);
  return (await readOnnx(b.finish(b.classifier(gained, 4, 5)))).graph;
}

test('the search for cuts computes no bias: weights that change after it count', async () => {
  const graph = await biasedGraph();
  const biases = () => chooseCuts(graph).layers.map(({ value }) => value.bias);
  const numbers = (list: readonly Bias[]) => list.map(({ values }) => [...values]);
  const before = numbers(biases());
  const unread = biases();
  for (const { type, inputs } of graph.nodes)
    if (type === 'Conv') graph.constants.get(inputs[1])!.values.fill(0.25);
  const after = numbers(unread);
  assert.deepEqual(after, numbers(biases()));
  assert.notDeepEqual(after, before);
});
