import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { seededRandom } from '../../fixtures/seeded-random.ts';
import { convolveBias } from '../../importer/bias.ts';
import type { DenseKernel } from '../../importer/dense-kernel.ts';

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
