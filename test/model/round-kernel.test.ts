import assert from 'node:assert/strict';
import { test } from 'node:test';
import { seededRandom } from '../../fixtures/seeded-random.ts';
import { roundKernel, type TapShape } from '../../model/fixed-point/round-kernel.ts';

const random = seededRandom(7);
const weights = (count: number, size: number) =>
  Float64Array.from({ length: count }, () => (2 * random() - 1) * size);

const SHAPES: readonly TapShape[] = [
  { height: 1, width: 1 },
  { height: 3, width: 3 },
  { height: 5, width: 2 },
  { height: 1, width: 7 },
];

function rounded(exact: Float64Array, shape: TapShape): Int32Array {
  const into = new Int32Array(exact.length);
  roundKernel(exact, shape, into);
  return into;
}

/** Root mean square of an output's error over random inputs; neighbours of one row are alike, and none is negative. */
function outputError(errors: Float64Array, { height, width }: TapShape): number {
  const draw = seededRandom(8);
  let sum = 0;
  for (let run = 0; run < 300; run++) {
    let error = 0;
    for (let first = 0; first < errors.length; first += height * width) {
      const whole = draw();
      for (let i = 0; i < height * width; i++) error += errors[first + i] * (whole + 0.2 * draw());
    }
    sum += error ** 2;
  }
  return Math.sqrt(sum / 300);
}

test('every weight is rounded down or up, and integers stay', () => {
  for (const shape of SHAPES) {
    const exact = weights(40 * shape.height * shape.width, 20);
    for (let i = 0; i < exact.length; i += 3) exact[i] = Math.round(exact[i]);
    for (const [i, value] of rounded(exact, shape).entries())
      assert.ok(value === Math.floor(exact[i]) || value === Math.ceil(exact[i]), `${value} for ${exact[i]}`);
  }
});

test('errors of weights that read similar values cancel', () => {
  for (const shape of SHAPES) {
    let [nearest, own] = [0, 0];
    for (let kernel = 0; kernel < 20; kernel++) {
      const exact = weights(64 * shape.height * shape.width, 20);
      const integers = rounded(exact, shape);
      nearest += outputError(
        exact.map((value) => Math.round(value) - value),
        shape,
      );
      own += outputError(
        exact.map((value, i) => integers[i] - value),
        shape,
      );
    }
    assert.ok(own < 0.75 * nearest, `${shape.height} x ${shape.width}: ${own} against ${nearest}`);
  }
});

test('a kernel is rounded the same way each time, whatever lies beside it', () => {
  const exact = weights(90, 5);
  const alone = rounded(exact, { height: 3, width: 3 });
  const beside = new Int32Array(270);
  roundKernel(exact, { height: 3, width: 3 }, beside.subarray(90, 180));
  assert.deepEqual(beside.subarray(90, 180), alone);
  assert.ok(beside.subarray(0, 90).every((value) => value === 0));
});
