import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { OnnxBuilder } from '../support/onnx-builder.ts';
import { agreesInAnyLayout } from './against-runtime.ts';

/** A picture with its colours last, as Keras has it: 8 rows, 6 columns. */
const LAST = ['N', 8, 6, 3] as const;
const FIRST = ['N', 3, 8, 6] as const;
const SAME = { pads: [1, 1, 1, 1] };

const toFirst = (b: OnnxBuilder, x: string) => b.node('Transpose', [x], { perm: [0, 3, 1, 2] });
const toLast = (b: OnnxBuilder, x: string) => b.node('Transpose', [x], { perm: [0, 2, 3, 1] });
const relu = (b: OnnxBuilder, x: string) => b.node('Relu', [x]);
const dense = (b: OnnxBuilder, x: string, from: number, to = 4) =>
  b.node('MatMul', [x, b.constant([from, to])]);
const axes = (b: OnnxBuilder, x: string, type: string, list: number[], keepdims = 0) =>
  b.node(type, [x], { axes: list, keepdims });

/** A map of 4 channels of 8x6, with channels last. */
const mapLast = (b: OnnxBuilder) => toLast(b, relu(b, b.conv(toFirst(b, 'image'), 3, 4, 3, SAME)));
/** The same with channels first. */
const mapFirst = (b: OnnxBuilder) => relu(b, b.conv('image', 3, 4, 3, SAME));

const KERAS: Record<string, (b: OnnxBuilder) => string> = {
  'a convolution behind a Transpose': (b) =>
    b.classifier(relu(b, b.conv(toFirst(b, 'image'), 3, 4, 3, SAME)), 4, 3),
  'a mean over axes 1 and 2': (b) => dense(b, axes(b, mapLast(b), 'ReduceMean', [1, 2]), 4),
  'a mean over axes -3 and -2 that are kept': (b) =>
    dense(b, b.node('Flatten', [axes(b, mapLast(b), 'ReduceMean', [-3, -2], 1)]), 4),
  'flattening in the order of channels last': (b) => dense(b, b.node('Flatten', [mapLast(b)]), 192),
  'flattening the picture itself': (b) =>
    dense(b, relu(b, dense(b, b.node('Flatten', ['image']), 144, 7)), 7),
  'a number per channel on the last axis': (b) => {
    const scaled = b.node('Mul', [mapLast(b), b.constant([4])]);
    const moved = toFirst(b, b.node('Add', [scaled, b.constant([4])]));
    return b.classifier(relu(b, b.conv(moved, 4, 5, 3, SAME)), 5, 3);
  },
  'the picture is normalised before it is transposed': (b) => {
    const centred = b.node('Sub', ['image', b.constant([3])]);
    return b.classifier(relu(b, b.conv(toFirst(b, centred), 3, 4, 3)), 4, 3);
  },
  'pads, joins and slices along the axes of channels last': (b) => {
    const padded = b.node('Pad', [mapLast(b), b.integers([0, 1, 0, 0, 0, 0, 2, 0])]);
    const joined = b.node('Concat', [padded, padded], { axis: 3 });
    const part = b.node('Slice', [
      joined,
      ...[
        [1, 1],
        [9, 7],
        [1, 3],
        [2, 1],
      ].map((list) => b.integers(list)),
    ]);
    return b.classifier(relu(b, b.conv(toFirst(b, part), 6, 5, 3, SAME)), 5, 3);
  },
  'a product along the channels of every position': (b) =>
    dense(b, axes(b, relu(b, dense(b, mapLast(b), 4, 5)), 'ReduceMean', [1, 2]), 5),
};

for (const [what, build] of Object.entries(KERAS))
  test(`with channels last, ${what} is computed as the runtime does`, async () => {
    const network = await agreesInAnyLayout(build, LAST);
    assert.deepEqual(network.input, { channels: 3, height: 8, width: 6 });
  });

const MIDDLE: Record<string, (b: OnnxBuilder) => string> = {
  'channels last and back': (b) => {
    const biased = b.node('Add', [toLast(b, mapFirst(b)), b.constant([4])]);
    return b.classifier(relu(b, b.conv(toFirst(b, biased), 4, 5, 3)), 5, 3);
  },
  'rows and columns changing places': (b) => {
    const turned = b.node('Transpose', [mapFirst(b)], { perm: [0, 1, 3, 2] });
    const weights = b.constant([5, 4, 3, 1]);
    const convolved = b.node('Conv', [turned, weights], { pads: [1, 0, 1, 0], strides: [1, 2] });
    return b.classifier(relu(b, convolved), 5, 3);
  },
  'a map and its mirror image added': (b) => {
    const x = b.conv('image', 3, 4, 3, { pads: [1, 1, 1, 3] });
    return b.classifier(relu(b, b.node('Add', [x, b.node('Transpose', [x], { perm: [0, 1, 3, 2] })])), 4, 3);
  },
  'positions as tokens': (b) => {
    const tokens = b.node('Transpose', [b.node('Reshape', [mapFirst(b), b.integers([0, 0, -1])])], {
      perm: [0, 2, 1],
    });
    return dense(b, axes(b, relu(b, dense(b, tokens, 4, 5)), 'ReduceMean', [1]), 5);
  },
  'a product across positions': (b) => {
    const flat = b.node('Reshape', [mapFirst(b), b.integers([0, 0, -1])]);
    return dense(b, axes(b, relu(b, dense(b, flat, 48, 5)), 'ReduceMean', [2]), 4);
  },
  'weights on the left': (b) => {
    const flat = b.node('Reshape', [mapFirst(b), b.integers([0, 0, -1])]);
    return dense(b, axes(b, relu(b, b.node('MatMul', [b.constant([5, 4]), flat])), 'ReduceMean', [2]), 5);
  },
  'a product along rows': (b) =>
    dense(b, axes(b, relu(b, dense(b, mapFirst(b), 6, 5)), 'ReduceMean', [2, 3]), 4),
  'patches of a map': (b) => {
    const split = b.node('Reshape', [mapFirst(b), b.integers([1, 4, 4, 2, 3, 2])]);
    const turned = b.node('Transpose', [split], { perm: [0, 2, 4, 1, 3, 5] });
    const tokens = b.node('Reshape', [turned, b.integers([1, 12, 16])]);
    return dense(b, axes(b, relu(b, dense(b, tokens, 16, 5)), 'ReduceMean', [1]), 5);
  },
  'space to depth, in every spelling': (b) => {
    const x = mapFirst(b);
    const split = b.node('Reshape', [x, b.integers([1, 4, 4, 2, 3, 2])]);
    const turned = b.node('Transpose', [split], { perm: [0, 1, 3, 5, 2, 4] });
    const shuffled = b.node('Reshape', [turned, b.integers([1, 16, 4, 3])]);
    const parts = [0, 1].flatMap((row) =>
      [0, 1].map((column) =>
        b.node('Slice', [
          x,
          ...[
            [row, column],
            [8, 6],
            [2, 3],
            [2, 2],
          ].map((list) => b.integers(list)),
        ]),
      ),
    );
    const joined = b.node('Concat', [b.node('SpaceToDepth', [x], { blocksize: 2 }), shuffled, ...parts], {
      axis: 1,
    });
    return b.classifier(relu(b, b.conv(joined, 48, 5, 3, SAME)), 5, 3);
  },
  'depth to space, convolved and pooled': (b) => {
    const large = b.node('DepthToSpace', [mapFirst(b)], { blocksize: 2 });
    const convolved = relu(b, b.conv(large, 1, 4, 3, SAME));
    const pooled = b.node('MaxPool', [convolved], { kernel_shape: [2, 2], strides: [2, 2] });
    return b.classifier(relu(b, b.conv(pooled, 4, 5, 3, { ...SAME, strides: [2, 2] })), 5, 3);
  },
  'flattened maps joined': (b) => {
    const flat = b.node('Flatten', [mapFirst(b)]);
    const means = b.node('Flatten', [b.node('GlobalAveragePool', [mapFirst(b)])]);
    return dense(b, b.node('Concat', [flat, flat, means], { axis: 1 }), 388);
  },
  'a map stacked on its mirror image': (b) => {
    const x = mapFirst(b);
    const mirrored = b.node('Slice', [x, ...[[-1], [-99], [3], [-1]].map((list) => b.integers(list))]);
    return b.classifier(relu(b, b.conv(b.node('Concat', [x, mirrored], { axis: 2 }), 4, 5, 3, SAME)), 5, 3);
  },
  'a batch that is dropped and comes back': (b) => {
    const single = b.node('Squeeze', [mapFirst(b), b.integers([0])]);
    return b.classifier(relu(b, b.conv(b.node('Unsqueeze', [single, b.integers([0])]), 4, 5, 3)), 5, 3);
  },
};

for (const [what, build] of Object.entries(MIDDLE))
  test(`in the middle of a graph, ${what} is computed as the runtime does`, async () => {
    await agreesInAnyLayout(build, [1, ...FIRST.slice(1)]);
  });
