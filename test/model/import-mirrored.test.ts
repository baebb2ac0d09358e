import assert from 'node:assert/strict';
import { test } from 'node:test';
import { importOnnx } from '../../importer/import-onnx.ts';
import { OnnxBuilder } from '../support/onnx-builder.ts';
import { agrees, agreesInAnyLayout } from './against-runtime.ts';

const SAME = { pads: [1, 1, 1, 1] };
/** So many elements that none can be taken one by one. */
const LARGE = { channels: 3, height: 48, width: 40 };

type Build = (b: OnnxBuilder, x: string) => string;

function slice(b: OnnxBuilder, x: string, ...lists: number[][]): string {
  return b.node('Slice', [x, ...lists.map((list) => b.integers(list))]);
}

const flipRows: Build = (b, x) => slice(b, x, [-1], [-1000], [2], [-1]);
const flipColumns: Build = (b, x) => slice(b, x, [-1], [-1000], [3], [-1]);
const relu: Build = (b, x) => b.node('Relu', [x]);

const FLIPS: Record<string, Build> = {
  'the picture by columns': (b, x) => relu(b, b.conv(flipColumns(b, x), 3, 4, 3, SAME)),
  'by rows and columns, with uneven pads and strides': (b, x) => {
    const turned = flipRows(b, flipColumns(b, relu(b, b.conv(x, 3, 4, 1))));
    return relu(b, b.conv(turned, 4, 4, 3, { pads: [0, 2, 1, 0], strides: [2, 3] }));
  },
  'of a part, and of what is flipped already': (b, x) => {
    const part = slice(b, flipRows(b, relu(b, b.conv(x, 3, 4, 1))), [3], [30], [2], [2]);
    return relu(b, b.conv(flipRows(b, part), 4, 4, 3, SAME));
  },
  'before a transposed convolution': (b, x) => {
    const small = flipColumns(b, relu(b, b.conv(x, 3, 4, 3, { strides: [4, 4] })));
    const weights = b.constant([4, 4, 3, 3]);
    const large = b.node('ConvTranspose', [small, weights], { strides: [2, 2], pads: [1, 0, 0, 1] });
    return relu(b, b.conv(large, 4, 4, 3, SAME));
  },
  'before pools with pads': (b, x) => {
    const turned = flipColumns(b, relu(b, b.conv(x, 3, 4, 3, { strides: [2, 2] })));
    const largest = b.node('MaxPool', [turned], {
      kernel_shape: [3, 3],
      pads: [1, 1, 0, 0],
      strides: [2, 2],
    });
    return relu(b, b.conv(largest, 4, 4, 3));
  },
  'added to the map as it is, after a mean': (b, x) => {
    const means = [x, flipColumns(b, x)].map((way) =>
      b.node('GlobalAveragePool', [relu(b, b.conv(way, 3, 4, 3, SAME))]),
    );
    return b.node('Add', means);
  },
};

for (const [what, build] of Object.entries(FLIPS))
  test(`a large map is flipped as the runtime does: ${what}`, async () => {
    await agrees((b) => b.classifier(build(b, 'image'), 4, 3), LARGE);
  });

test('a flipped map costs what the map costs', async () => {
  const terms = async (way: Build) => {
    const b = new OnnxBuilder(LARGE, 1);
    const { layers } = await importOnnx(
      b.finish(b.classifier(relu(b, b.conv(way(b, 'image'), 3, 4, 3, SAME)), 4, 3)),
    );
    return layers.map((layer) => layer.terms);
  };
  assert.deepEqual(await terms(flipColumns), await terms((_, x) => x));
});

test('a flipped signal is convolved as the runtime does', async () => {
  await agreesInAnyLayout(
    (b) => {
      const turned = slice(b, 'image', [-1], [-1000], [2], [-1]);
      const map = b.node('Conv', [turned, b.constant([4, 2, 5])], { pads: [3, 0], strides: [2] });
      return b.classifier(relu(b, map), 4, 3);
    },
    [1, 2, 300],
  );
});

/** Positions [taps, windows] as F.unfold gathers them. */
function windows(b: OnnxBuilder, taps: number, count: number, apart: number, stride: number): string {
  const places = Array.from({ length: taps }, (_, tap) =>
    Array.from({ length: count }, (_, i) => tap * apart + i * stride),
  );
  return b.node('Reshape', [b.integers(places.flat()), b.integers([taps, count])]);
}

test('a convolution by F.unfold and a matrix product is the runtime’s, and no larger than one by Conv', async () => {
  for (const [apart, stride] of [
    [1, 1],
    [1, 2],
    [2, 1],
  ]) {
    const [height, width] = [LARGE.height, LARGE.width].map(
      (size) => Math.floor((size - 2 * apart - 1) / stride) + 1,
    );
    const network = await agrees((b) => {
      const rows = b.node('Gather', ['image', windows(b, 3, height, apart, stride)], { axis: 2 });
      const both = b.node('Gather', [rows, windows(b, 3, width, apart, stride)], { axis: 4 });
      const turned = b.node('Transpose', [both], { perm: [0, 1, 2, 4, 3, 5] });
      const columns = b.node('Reshape', [turned, b.integers([1, 27, -1])]);
      const product = b.node('MatMul', [b.constant([4, 27]), columns]);
      return b.classifier(b.node('Reshape', [relu(b, product), b.integers([1, 4, height, width])]), 4, 3);
    }, LARGE);
    const extent = 2 * apart + 1;
    assert.equal(network.layers[0].kernels[0].length, 4 * 3 * extent * extent);
  }
});

test('Tile repeats channels, rows and columns as the runtime does', async () => {
  await agrees(
    (b) => {
      const tiled = b.node('Tile', [relu(b, b.conv('image', 3, 4, 3, SAME)), b.integers([1, 2, 1, 2])]);
      const spread = b.node('Tile', [b.node('GlobalAveragePool', [tiled]), b.integers([1, 1, 3, 5])]);
      return b.classifier(relu(b, b.conv(spread, 8, 4, 3, SAME)), 4, 3);
    },
    { channels: 3, height: 6, width: 4 },
  );
});
