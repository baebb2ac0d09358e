import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { importOnnx } from '../../importer/import-onnx.ts';
import { OnnxBuilder } from '../support/onnx-builder.ts';
import { agreesInAnyLayout } from './against-runtime.ts';

const FIRST = ['N', 3, 8, 6] as const;
const SAME = { pads: [1, 1, 1, 1] };
const relu = (b: OnnxBuilder, x: string) => b.node('Relu', [x]);
const map = (b: OnnxBuilder) => relu(b, b.conv('image', 3, 4, 3, SAME));
/** A head that tells positions apart, by a convolution without pads and a dense layer. */
const head = (b: OnnxBuilder, x: string, height: number, width: number) => {
  const convolved = relu(b, b.conv(x, 4, 2, 3));
  const depth = 2 * (height - 2) * (width - 2);
  return b.node('MatMul', [b.node('Flatten', [convolved]), b.constant([depth, 4])]);
};

const scaled = (b: OnnxBuilder, x: string, scales: number[], attributes: object) =>
  b.node('Resize', [x, '', b.values([4], [1, 1, ...scales])], attributes as never);
const sized = (b: OnnxBuilder, x: string, sizes: number[], attributes: object) =>
  b.node('Resize', [x, '', '', b.integers([1, 4, ...sizes])], attributes as never);

const nearest = { mode: 'nearest', coordinate_transformation_mode: 'asymmetric', nearest_mode: 'floor' };
const linear = (coordinate_transformation_mode: string) => ({
  mode: 'linear',
  coordinate_transformation_mode,
});

const RESIZES: Record<string, [number, number, (b: OnnxBuilder, x: string) => string]> = {
  'nearest by 2, as PyTorch exports it': [16, 12, (b, x) => scaled(b, x, [2, 2], nearest)],
  'nearest to three times the width': [8, 18, (b, x) => sized(b, x, [8, 18], nearest)],
  'nearest with all defaults': [16, 18, (b, x) => scaled(b, x, [2, 3], {})],
  'nearest to half the rows': [4, 6, (b, x) => scaled(b, x, [0.5, 1], nearest)],
  'nearest to other sizes': [5, 7, (b, x) => sized(b, x, [5, 7], { mode: 'nearest' })],
  'bilinear by 2': [16, 12, (b, x) => scaled(b, x, [2, 2], linear('half_pixel'))],
  'bilinear by 3 and 2, as PyTorch exports it': [
    24,
    12,
    (b, x) => scaled(b, x, [3, 2], linear('pytorch_half_pixel')),
  ],
  'bilinear by 2 with asymmetric places': [16, 12, (b, x) => scaled(b, x, [2, 2], linear('asymmetric'))],
  'bilinear with aligned corners': [11, 9, (b, x) => sized(b, x, [11, 9], linear('align_corners'))],
  'bilinear to other sizes': [5, 9, (b, x) => sized(b, x, [5, 9], linear('half_pixel'))],
  'bilinear to half the size': [4, 3, (b, x) => sized(b, x, [4, 3], linear('half_pixel'))],
  'bilinear to half the rows and a third of the columns': [
    8,
    4,
    (b, x) => scaled(b, scaled(b, x, [1 / 2, 1 / 3], linear('pytorch_half_pixel')), [2, 2], nearest),
  ],
  'bilinear along one axis of two': [16, 6, (b, x) => scaled(b, x, [2, 1], linear('half_pixel'))],
};

for (const [what, [height, width, resize]] of Object.entries(RESIZES))
  test(`Resize ${what} is computed as the runtime does`, async () => {
    await agreesInAnyLayout((b) => head(b, resize(b, map(b)), height, width), FIRST);
  });

test('Upsample and the first Resize, of older versions, are computed as the runtime does', async () => {
  for (const [type, opset] of [
    ['Upsample', 9],
    ['Resize', 10],
  ] as const)
    for (const mode of ['nearest', 'linear'])
      await agreesInAnyLayout(
        (b) => head(b, b.node(type, [map(b), b.values([4], [1, 1, 2, 2])], { mode }), 16, 12),
        FIRST,
        1,
        opset,
      );
});

test('a bilinear Resize is no mean of blocks where its places are not their middles', async () => {
  const resizes = {
    'to a single position, as PyTorch exports it': (b: OnnxBuilder, x: string) =>
      sized(b, x, [1, 1], linear('pytorch_half_pixel')),
    'by scales that are no quotient of sizes': (b: OnnxBuilder, x: string) =>
      scaled(b, x, [0.55, 0.55], linear('half_pixel')),
  };
  for (const resize of Object.values(resizes))
    await agreesInAnyLayout((b) => b.node('Flatten', [resize(b, map(b))]), FIRST);
});

test('Resize by the places of TensorFlow, of older versions, is computed as the runtime does', async () => {
  const places = {
    mode: 'nearest',
    coordinate_transformation_mode: 'tf_half_pixel_for_nn',
    nearest_mode: 'floor',
  };
  for (const [height, width] of [
    [16, 18],
    [5, 4],
  ])
    await agreesInAnyLayout(
      (b) =>
        head(
          b,
          b.node(
            'Resize',
            [map(b), b.values([0], []), b.values([0], []), b.integers([1, 4, height, width])],
            places,
          ),
          height,
          width,
        ),
      FIRST,
      1,
      11,
    );
});

test('a map that is enlarged between convolutions keeps its channels apart', async () => {
  const network = await agreesInAnyLayout((b) => {
    const larger = scaled(b, map(b), [2, 2], nearest);
    return b.classifier(relu(b, b.conv(larger, 4, 4, 3, SAME)), 4, 3);
  }, FIRST);
  assert.deepEqual(
    network.layers.map(({ linear }) => linear !== null),
    [false, false, false],
  );
});

const pad = (b: OnnxBuilder, x: string, pads: number[], mode: string) =>
  b.node('Pad', [x, b.integers(pads)], { mode });

test('pads that repeat the map, of any width, are computed as by the runtime', async () => {
  const property = fc.asyncProperty(
    fc.constantFrom('reflect', 'edge', 'wrap'),
    fc.array(fc.integer({ min: 0, max: 3 }), { minLength: 4, maxLength: 4 }),
    fc.nat(1000),
    async (mode, [top, left, bottom, right], seed) => {
      await agreesInAnyLayout(
        (b) =>
          head(
            b,
            pad(b, map(b), [0, 0, top, left, 0, 0, bottom, right], mode),
            8 + top + bottom,
            6 + left + right,
          ),
        FIRST,
        seed,
        19,
      );
    },
  );
  await fc.assert(property, { numRuns: 25 });
});

test('a map of usual size is padded by reflection at the cost of its border', async () => {
  const b = new OnnxBuilder({ channels: 3, height: 32, width: 32 }, 1);
  const x = relu(b, b.conv('image', 3, 16, 3, SAME));
  const padded = pad(b, x, [0, 0, 1, 1, 0, 0, 1, 1], 'reflect');
  const { layers } = await importOnnx(b.finish(b.classifier(relu(b, b.conv(padded, 16, 16, 3)), 16, 3)));
  const added = layers.filter(({ linear }) => linear);
  const elements = added.reduce((sum, { output: o }) => sum + o.channels * o.height * o.width, 0);
  assert.ok(added.length <= 4 && elements < 2.2 * 16 * 34 * 34, `${added.length} layers of ${elements}`);
});

const REFUSED: Record<string, [(b: OnnxBuilder, x: string) => string, RegExp]> = {
  'bicubic resizing': [
    (b, x) => scaled(b, x, [2, 2], { mode: 'cubic' }),
    /mode cubic: use nearest or linear/,
  ],
  'smoothed resizing': [
    (b, x) => scaled(b, x, [0.5, 0.5], { mode: 'linear', antialias: 1 }),
    /smooths before it resizes: use an AveragePool/,
  ],
  'resizing to a map beyond all bounds': [(b, x) => scaled(b, x, [2000, 2], nearest), /resize to 1 to 512/],
  'reflection of half a large map': [
    (b, x) => pad(b, x, [0, 0, 40, 0, 0, 0, 0, 0], 'reflect'),
    /pads by reflect .* or train with zero padding/,
  ],
};

for (const [what, [build, message]] of Object.entries(REFUSED))
  test(`${what} is refused with what to do instead`, async () => {
    const b = new OnnxBuilder({ channels: 3, height: 8, width: 6 }, 1);
    const file = b.finish(b.classifier(build(b, map(b)), 4, 3));
    await assert.rejects(importOnnx(file), { code: 'model/unsupported', message });
  });

const EINSUMS: Record<string, (b: OnnxBuilder, x: string) => string> = {
  'a product along the channels': (b, x) => {
    const product = b.node('Einsum', [x, b.constant([5, 4])], { equation: 'bchw,oc->bohw' });
    return b.classifier(relu(b, product), 5, 3);
  },
  'weights first, and spaces': (b, x) => {
    const product = b.node('Einsum', [b.constant([5, 4]), x], { equation: 'o c, n c h w -> n h w o' });
    return b.node('MatMul', [
      b.node('ReduceMean', [relu(b, product)], { axes: [1, 2], keepdims: 0 }),
      b.constant([5, 3]),
    ]);
  },
  'a dense layer over all axes': (b, x) =>
    b.node('Einsum', [x, b.constant([4, 8, 6, 3])], { equation: 'bchw,chwo->bo' }),
  'a dense layer with the axes behind each other': (b, x) =>
    b.node('Einsum', [b.node('Flatten', [x]), b.constant([192, 3])], { equation: 'ij,jk' }),
  'a sum over an axis and a transposition': (b, x) => {
    const sum = b.node('Einsum', [x], { equation: 'bchw->bwc' });
    return b.node('MatMul', [b.node('Flatten', [relu(b, sum)]), b.constant([24, 3])]);
  },
  'a matrix for every channel': (b, x) => {
    const product = b.node('Einsum', [x, b.constant([4, 6, 2])], { equation: 'bchw,cwk->bchk' });
    return b.node('MatMul', [b.node('Flatten', [relu(b, product)]), b.constant([64, 3])]);
  },
  'a factor for every channel': (b, x) =>
    b.classifier(relu(b, b.node('Einsum', [x, b.constant([4])], { equation: 'bchw,c->bchw' })), 4, 3),
  'an ellipsis': (b, x) => {
    const product = b.node('Einsum', [x, b.constant([6, 5])], { equation: '...w,wk->...k' });
    return b.node('MatMul', [b.node('Flatten', [relu(b, product)]), b.constant([160, 3])]);
  },
};

for (const [what, build] of Object.entries(EINSUMS))
  test(`Einsum of ${what} is computed as the runtime does`, async () => {
    await agreesInAnyLayout((b) => build(b, map(b)), FIRST);
  });

test('GatherND by constant positions is computed as the runtime does', async () => {
  await agreesInAnyLayout(
    (b) => {
      const rows = b.node('Transpose', [map(b)], { perm: [2, 3, 0, 1] });
      const places = b.node('Reshape', [b.integers([7, -1, 0, 2, 3, 3]), b.integers([3, 2])]);
      const picked = relu(b, b.node('GatherND', [rows, places]));
      return b.node('MatMul', [b.node('Reshape', [picked, b.integers([1, 12])]), b.constant([12, 3])]);
    },
    [1, 3, 8, 6],
  );
});

test('a choice by a comparison with a constant is the Max or Min that it stands for', async () => {
  for (const [comparison, order, layers] of [
    ['Greater', 'x then bound', 3],
    ['LessOrEqual', 'bound then x', 3],
    ['Less', 'x then bound', 3],
    ['GreaterOrEqual', 'bound then x', 3],
  ] as const) {
    const network = await agreesInAnyLayout((b) => {
      const x = b.conv(map(b), 4, 4, 3, SAME);
      const condition = b.node(comparison, [x, b.values([], [0.25])]);
      const bound = b.values([1, 4, 8, 6], new Array<number>(192).fill(0.25));
      return b.classifier(
        b.node('Where', [condition, ...(order === 'x then bound' ? [x, bound] : [bound, x])]),
        4,
        3,
      );
    }, FIRST);
    assert.equal(network.layers.length, layers, comparison);
  }
  const b = new OnnxBuilder({ channels: 3, height: 8, width: 6 }, 1);
  const x = map(b);
  const choice = b.node('Where', [b.node('Greater', [x, b.values([], [0.5])]), x, b.values([], [0])]);
  await assert.rejects(importOnnx(b.finish(b.classifier(choice, 4, 3))), {
    message: /Where .*jumps by 0\.5 .*put a Relu or a Clip in its place/,
  });
});

test('Einsum of two computed values, or of a diagonal, is refused with the reason', async () => {
  for (const [operands, equation, message] of [
    [2, 'bchw,bchw->bc', /its input 1 depends on the image|input/],
    [1, 'bcii->bci', /diagonal/],
  ] as const) {
    const b = new OnnxBuilder({ channels: 3, height: 8, width: 8 }, 1);
    const x = map(b);
    const product = b.node('Einsum', new Array<string>(operands).fill(x), { equation });
    await assert.rejects(importOnnx(b.finish(b.node('Flatten', [product]))), {
      code: 'model/unsupported',
      message,
    });
  }
});
