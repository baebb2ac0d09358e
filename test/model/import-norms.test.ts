import { test } from 'node:test';
import { agrees, agreesInAnyLayout } from './against-runtime.ts';

const SAME = { pads: [1, 1, 1, 1] };
const AXES = { axes: [2, 3], keepdims: 1 };

test('norms without a root are sums of magnitudes and of squares', async () => {
  await agrees((b) => {
    const x = b.conv('image', 3, 4, 3, SAME);
    const parts = [b.node('ReduceL1', [x], AXES), b.node('ReduceSumSquare', [x], AXES)];
    const joined = b.node('Relu', [b.node('Concat', parts, { axis: 1 })]);
    return b.classifier(joined, 8, 3);
  });
});

test('norms take their axes as an input too', async () => {
  await agreesInAnyLayout(
    (b) => {
      const norm = b.node('ReduceL1', [b.conv('image', 3, 4, 3, SAME), b.integers([2, 3])], { keepdims: 0 });
      return b.node('MatMul', [norm, b.constant([4, 3])]);
    },
    [1, 3, 8, 8],
    1,
    18,
  );
});

test('an LpPool of p = 1 sums magnitudes, in its pads too', async () => {
  await agrees((b) => {
    const x = b.conv('image', 3, 4, 3, SAME);
    const window = { kernel_shape: [3, 2], strides: [2, 1], pads: [1, 0, 1, 1], p: 1 };
    return b.classifier(b.node('Relu', [b.node('LpPool', [x], window)]), 4, 3);
  });
});

test('norms of constants are computed like other constants', async () => {
  await agrees((b) => {
    const norms = ['ReduceL1', 'ReduceSumSquare'].map((type) =>
      b.node(type, [b.constant([4, 5])], { axes: [1], keepdims: 0 }),
    );
    const x = b.classifier('image', 3, 4);
    return b.node('Mul', [b.node('Add', [x, norms[0]]), norms[1]]);
  });
});
