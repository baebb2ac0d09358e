import assert from 'node:assert/strict';
import { test } from 'node:test';
import { importGraph } from '../../importer/import-onnx.ts';
import { OnnxBuilder } from '../support/onnx-builder.ts';
import { agrees } from './against-runtime.ts';

const INPUT = { channels: 3, height: 8, width: 8 };
const SAME = { pads: [1, 1, 1, 1] };

/** A convolution without a bias. */
const conv = (b: OnnxBuilder, x: string, from: number, to: number, kernel: number) =>
  b.node('Conv', [x, b.constant([to, from, kernel, kernel])], kernel > 1 ? SAME : {});

/** For each layer its channels, those of them that are linear, and whether it was cut; the network is the runtime's. */
async function layersOf(build: (b: OnnxBuilder) => string): Promise<string[]> {
  await agrees(build, INPUT);
  const b = new OnnxBuilder(INPUT, 1);
  const { network, origins } = await importGraph(b.finish(build(b)));
  return network.layers.slice(0, -1).map(({ output, linear }, l) => {
    const passed = [...(linear ?? [])].reduce((sum, flag) => sum + flag, 0) / (output.height * output.width);
    return `${output.channels} channels, ${passed} linear${origins[l].cuts.length > 0 ? ', cut' : ''}`;
  });
}

test('of the values on the way to a cut, the one with the fewest elements is taken', async () => {
  const narrowAfter = await layersOf((b) => {
    const inner = conv(b, conv(b, 'image', 3, 12, 3), 12, 4, 1);
    return b.classifier(b.node('Relu', [conv(b, inner, 4, 6, 3)]), 6, 2);
  });
  const narrowBefore = await layersOf((b) => {
    const inner = conv(b, conv(b, 'image', 3, 4, 3), 4, 12, 1);
    return b.classifier(b.node('Relu', [conv(b, inner, 12, 6, 3)]), 6, 2);
  });
  assert.deepEqual(
    [narrowAfter, narrowBefore],
    [
      ['4 channels, 4 linear, cut', '6 channels, 0 linear'],
      ['4 channels, 4 linear, cut', '6 channels, 0 linear'],
    ],
  );
});

test('one cut serves all that could not be composed with a value, and what scales it', async () => {
  const layers = await layersOf((b) => {
    const inner = conv(b, 'image', 3, 4, 3);
    const [left, right] = [0, 1].map(() => b.node('Mul', [inner, b.constant([4, 1, 1], 0.5, 2)]));
    const sum = b.node('Add', [conv(b, left, 4, 6, 3), conv(b, b.node('Neg', [right]), 4, 6, 3)]);
    return b.classifier(b.node('Relu', [b.node('Add', [sum, conv(b, inner, 4, 6, 1)])]), 6, 2);
  });
  assert.deepEqual(layers, ['4 channels, 4 linear, cut', '6 channels, 0 linear']);
});

test('a cut rides along with the ReLUs of a layer that does not depend on it', async () => {
  const layers = await layersOf((b) => {
    const deep = conv(b, b.node('Relu', [conv(b, 'image', 3, 4, 3)]), 4, 5, 3);
    const shortcut = conv(b, conv(b, 'image', 3, 2, 3), 2, 5, 3);
    return b.classifier(b.node('Relu', [b.node('Add', [deep, shortcut])]), 5, 2);
  });
  assert.deepEqual(layers, ['6 channels, 2 linear, cut', '5 channels, 0 linear']);
});

test('the activation of a value that is cut does not wait for the cut', async () => {
  const layers = await layersOf((b) => {
    const inner = b.batchNorm(conv(b, 'image', 3, 4, 3), 4);
    const active = conv(b, b.node('Relu', [b.batchNorm(inner, 4)]), 4, 5, 3);
    return b.classifier(b.node('Relu', [b.node('Add', [active, conv(b, inner, 4, 5, 3)])]), 5, 2);
  });
  assert.deepEqual(layers, ['8 channels, 4 linear, cut', '5 channels, 0 linear']);
});

test('parallel branches of one map size are one round trip', async () => {
  const layers = await layersOf((b) => {
    const squeezed = b.node('Relu', [conv(b, 'image', 3, 3, 1)]);
    const branches = [1, 3, 3].map((kernel) => b.node('Relu', [conv(b, squeezed, 3, 4, kernel)]));
    return b.classifier(b.node('Relu', [conv(b, b.node('Concat', branches, { axis: 1 }), 12, 5, 3)]), 5, 2);
  });
  assert.deepEqual(layers, ['3 channels, 0 linear', '12 channels, 0 linear', '5 channels, 0 linear']);
});

test('a value that many read becomes a tensor where that is cheaper than to compose it again and again', async () => {
  const b = new OnnxBuilder(INPUT, 1);
  let sum = conv(b, 'image', 3, 64, 3);
  for (let block = 0; block < 14; block++) {
    const inner = b.node('Relu', [b.batchNorm(sum, 64)]);
    sum = b.node('Add', [sum, conv(b, inner, 64, 64, 3)]);
  }
  const file = b.finish(b.classifier(b.node('Relu', [sum]), 64, 4));
  const { network, origins } = await importGraph(file);
  const terms = network.layers.map((layer) => layer.terms.length);
  assert.equal(network.layers.length, 16, 'not one round trip more');
  assert.ok(Math.max(...terms) < 12, `terms: ${terms.join()}`);
  assert.equal(origins.length, 16);
});

test('a sum of more tensors than a layer may read is cut in between', async () => {
  const b = new OnnxBuilder({ channels: 1, height: 3, width: 3 }, 1);
  let sum = conv(b, 'image', 1, 1, 3);
  for (let i = 0; i < 80; i++)
    sum = b.node('Add', [sum, conv(b, b.node('Relu', [b.batchNorm(sum, 1)]), 1, 1, 3)]);
  const { network } = await importGraph(b.finish(b.classifier(sum, 1, 2)));
  const terms = network.layers.map((layer) => layer.terms.length);
  assert.equal(network.layers.length, 81);
  assert.ok(Math.max(...terms) <= 64 && Math.max(...terms) > 30, terms.join());
});

test('a chain of hundreds of operators that do not compose is cut at each, in bounded time', async () => {
  const b = new OnnxBuilder({ channels: 1, height: 4, width: 4 }, 1);
  let value = 'image';
  for (let i = 0; i < 200; i++) value = conv(b, value, 1, 1, 3);
  const { origins } = await importGraph(b.finish(b.classifier(value, 1, 2)));
  assert.ok(origins.filter(({ cuts }) => cuts.length > 0).length >= 198);
});
