import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { SphynxError } from '../../errors/sphynx-error.ts';
import { importOnnx } from '../../importer/import-onnx.ts';
import { outputFits } from '../../model/geometry.ts';
import { OnnxBuilder } from '../support/onnx-builder.ts';
import { agrees } from './against-runtime.ts';

test('a network of single convolutions keeps its layers', async () => {
  const network = await agrees((b) => {
    const t1 = b.node('Relu', [b.conv('image', 3, 5, 5, { pads: [2, 2, 1, 1], strides: [2, 2] })]);
    const t2 = b.node('Relu', [
      b.node('Add', [
        b.conv('image', 3, 6, 4, { strides: [2, 2], pads: [1, 1, 1, 1] }),
        b.conv(t1, 5, 6, 3, { pads: [1, 1, 1, 1] }),
      ]),
    ]);
    return b.classifier(t2, 6, 10);
  });
  assert.deepEqual(
    network.layers.map(({ terms }) => terms.map(({ tensor, pool }) => [tensor, pool])),
    [
      [[0, 'none']],
      [
        [0, 'none'],
        [1, 'none'],
      ],
      [[2, 'sum']],
    ],
  );
});

test('batch norm, 1x1 convolutions, concatenation and skips fold into one layer', async () => {
  const network = await agrees((b) => {
    const left = b.batchNorm(b.conv('image', 3, 4, 3, { pads: [1, 1, 1, 1] }), 4);
    const right = b.batchNorm(b.conv('image', 3, 4, 3, { dilations: [2, 2], pads: [2, 2, 2, 2] }), 4);
    const sum = b.node('Add', [left, b.node('Identity', [right])]);
    const joined = b.node('Concat', [sum, left, 'image'], { axis: 1 });
    return b.classifier(b.node('Relu', [b.batchNorm(b.conv(joined, 11, 6, 1), 6)]), 6, 7);
  });
  assert.equal(network.layers.length, 2);
  assert.equal(network.layers[0].terms.length, 1, 'all paths from the image became one convolution');
});

test('spatial convolutions without inner padding compose, with biases', async () => {
  const network = await agrees((b) => {
    const padded = b.node('Pad', ['image', b.integers([0, 0, 3, 3, 0, 0, 3, 3])], { mode: 'constant' });
    const first = b.conv(padded, 3, 4, 3);
    const second = b.conv(first, 4, 5, 5, { strides: [2, 2] });
    return b.classifier(b.node('Relu', [second]), 5, 4);
  });
  assert.deepEqual(
    network.layers[0].terms.map(({ kernelHeight, strideY, strideX }) => [kernelHeight, strideY, strideX]),
    [[7, 2, 2]],
  );
});

test('average pools, groups and a fully connected tail are linear', async () => {
  await agrees((b) => {
    const pooled = b.node('AveragePool', ['image'], { kernel_shape: [2, 2], strides: [2, 2] });
    const t1 = b.node('Relu', [b.conv(pooled, 3, 6, 3, { group: 3, pads: [1, 1, 1, 1] })]);
    const flat = b.node('Flatten', [b.node('AveragePool', [t1], { kernel_shape: [4, 4] })]);
    return b.node('Add', [b.node('MatMul', [flat, b.constant([6, 5])]), b.constant([5])]);
  });
});

test('a convolution that would need the padding of an inner map is cut off from it', async () => {
  const network = await agrees((b) => {
    const inner = b.conv('image', 3, 4, 3, { pads: [1, 1, 1, 1] });
    return b.classifier(b.conv(inner, 4, 5, 3, { pads: [1, 1, 1, 1] }), 5, 2);
  });
  assert.deepEqual(
    network.layers.map(({ linear }) => linear?.every((flag) => flag === 1) ?? null),
    [true, null],
  );
});

test('all nodes that cannot be run are named at once, with their shapes and what to do', async () => {
  const b = new OnnxBuilder({ channels: 3, height: 8, width: 8 }, 1);
  const smooth = b.node('Sigmoid', [b.conv('image', 3, 4, 3)]);
  const large = b.node('Resize', ['image', '', b.values([4], [1, 1, 2, 2])], { mode: 'cubic' });
  const lost = b.node('Gelu', [b.node('Add', [smooth, smooth])]);
  const file = b.finish(b.node('Concat', [lost, b.node('Flatten', [large])], { axis: 1 }));
  await assert.rejects(importOnnx(file), (error: { code: string; message: string }) => {
    assert.equal(error.code, 'model/unsupported');
    assert.match(error.message, /Sigmoid "sigmoid_\d+" of 1x4x6x6: .*put a Relu in its place/);
    assert.match(error.message, /Resize "resize_\d+" of 1x3x8x8: .*mode cubic: use nearest or linear/);
    assert.match(error.message, /Gelu "gelu_/);
    assert.equal(error.message.split('\n').length, 4);
    return true;
  });
});

test('files that are broken, empty or not ONNX are refused', async () => {
  const b = new OnnxBuilder({ channels: 3, height: 8, width: 8 }, 1);
  const file = b.finish(b.classifier(b.node('Relu', [b.conv('image', 3, 4, 3)]), 4, 2));
  for (const bytes of [
    new Uint8Array(0),
    new Uint8Array(100).fill(255),
    file.subarray(0, file.length / 2),
    new TextEncoder().encode('not a network'),
  ])
    await assert.rejects(importOnnx(bytes), { code: /^model\/(format|unsupported)$/ });
});

test('a file with any bytes changed is imported in valid sizes or refused with a typed error', async () => {
  const b = new OnnxBuilder({ channels: 3, height: 8, width: 8 }, 1);
  const padded = b.node('Pad', ['image', b.integers([0, 0, 1, 1, 0, 0, 1, 1])], { mode: 'constant' });
  const left = b.batchNorm(b.conv(padded, 3, 4, 3, { strides: [1, 1], pads: [0, 0, 0, 0] }), 4);
  const window = { kernel_shape: [3, 3], pads: [1, 1, 1, 1], count_include_pad: 1 };
  const joined = b.node('Concat', [left, b.node('AveragePool', ['image'], window)], { axis: 1 });
  const file = b.finish(b.classifier(b.maskedRelu(joined, [7, 1, 1], [1, 1, 0, 1, 0, 1, 1]), 7, 3));
  const change = fc.tuple(
    fc.nat(file.length - 1),
    fc.oneof(fc.nat(255), fc.constantFrom(0, 1, 127, 128, 255)),
  );
  await fc.assert(
    fc.asyncProperty(fc.array(change, { minLength: 1, maxLength: 4 }), async (changes) => {
      const bytes = Uint8Array.from(file);
      for (const [at, byte] of changes) bytes[at] = byte;
      try {
        const network = await importOnnx(bytes);
        for (const [l, { terms }] of network.layers.entries())
          for (const t of terms.keys()) assert.ok(outputFits(network, l, t));
      } catch (error) {
        assert.ok(
          error instanceof SphynxError && /^model\/(format|unsupported)$/.test(error.code),
          String(error),
        );
      }
    }),
    { numRuns: 1500 },
  );
});

test('random networks of linear operators agree with the independent runtime', async () => {
  const step = fc.constantFrom(
    'conv',
    'strided',
    'dilated',
    'pointwise',
    'norm',
    'skip',
    'concat',
    'relu',
    'grouped',
    'pool',
  );
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 1, maxLength: 8 }), fc.nat(10_000), async (steps, seed) => {
      await agrees((b) => randomChain(b, steps), { channels: 2, height: 9, width: 7 }, seed);
    }),
    { numRuns: 25 },
  );
});

/** A chain in which every spatial operator follows a ReLU or operators that compose with it. */
function randomChain(b: OnnxBuilder, steps: string[]): string {
  let value = 'image';
  let channels = 2;
  let side = [9, 7];
  let fresh = true; // a tensor itself: any padded operator may follow
  const spatial = (kernel: number, extra: Record<string, number | number[]>, stride = 1) => {
    if (!fresh) value = b.node('Relu', [value]);
    value = b.conv(value, channels, 4, kernel, { ...extra, strides: [stride, stride] });
    channels = 4;
    side = side.map((size) => Math.ceil(size / stride));
    fresh = false;
  };
  for (const step of steps)
    if (step === 'conv') spatial(3, { pads: [1, 1, 1, 1] });
    else if (step === 'strided' && Math.min(...side) >= 4) spatial(3, { pads: [1, 1, 1, 1] }, 2);
    else if (step === 'dilated') spatial(3, { pads: [2, 2, 2, 2], dilations: [2, 2] });
    else if (step === 'grouped' && channels % 2 === 0) spatial(3, { pads: [1, 1, 1, 1], group: 2 });
    else if (step === 'pointwise') [value, channels, fresh] = [b.conv(value, channels, 3, 1), 3, false];
    else if (step === 'norm') [value, fresh] = [b.batchNorm(value, channels), false];
    else if (step === 'skip') value = b.node('Add', [value, b.node('Identity', [value])]);
    else if (step === 'concat')
      [value, channels] = [b.node('Concat', [value, value], { axis: 1 }), 2 * channels];
    else if (step === 'relu') [value, fresh] = [b.node('Relu', [value]), true];
    else if (step === 'pool' && fresh)
      [value, fresh] = [
        b.node('AveragePool', [value], { kernel_shape: [3, 3], pads: [1, 1, 1, 1], count_include_pad: 1 }),
        false,
      ];
  return b.classifier(b.node('Relu', [value]), channels, 3);
}
