import assert from 'node:assert/strict';
import { test } from 'node:test';
import { chooseBits, shortfall } from '../../cli/import/choose-bits.ts';
import { importGraph } from '../../importer/import-onnx.ts';
import { RangeMeter } from '../../model/fixed-point/ranges.ts';
import { OnnxBuilder } from '../support/onnx-builder.ts';

const INPUT = { channels: 3, height: 8, width: 8 };

/** The k that are tried for a network whose two activations `activate` builds, if none is good enough. */
async function tried(activate: (b: OnnxBuilder, x: string, layer: number) => string): Promise<number[]> {
  const b = new OnnxBuilder(INPUT, 4);
  const pads = { pads: [1, 1, 1, 1] };
  const first = activate(b, b.conv('image', 3, 4, 3, pads), 0);
  const second = activate(b, b.conv(first, 4, 4, 3, pads), 1);
  const { network } = await importGraph(b.finish(b.classifier(second, 4, 2)));
  const images = Array.from({ length: 4 }, () => Float32Array.from({ length: 192 }, () => b.random()));
  const meter = new RangeMeter(network);
  const logits = images.map((image) => meter.add(image)[2]);
  const seen: number[] = [];
  const facts = {
    name: 'small',
    inputKind: 'picture' as const,
    head: 'softmax' as const,
    labels: ['a', 'b'],
    preprocessing: { height: 8, width: 8, mean: [0, 0, 0], std: [1, 1, 1] },
  };
  const inputs = { check: images, logits, calibration: 4, source: 'inputs' as const, largest: meter.input };
  const { enough } = await chooseBits(network, meter.ranges, facts, inputs, undefined, async (_, k) => {
    seen.push(k);
    return false;
  });
  assert.ok(!enough);
  return seen;
}

test('a network with ReLUs is planned for each k until one is good enough', async () => {
  assert.deepEqual(
    await tried((b, x, layer) => (layer ? b.node('Relu', [x]) : b.quadratic(x, 4))),
    [9, 10, 11, 12, 13, 14, 15, 16],
  );
});

test('a network of squares alone is planned once, as it has no k', async () => {
  assert.deepEqual(await tried((b, x) => b.quadratic(x, 4)), [12]);
});

test('where no k is good enough, the warning names the one that is used and what to do', () => {
  const demand = 'gives the same class on 99% of the inputs';
  assert.equal(
    shortfall(demand, true, undefined),
    `wanted a fixed point that ${demand}: no k from 9 to 16 does, and the best one is used. The report names the layer that loses most`,
  );
  assert.match(
    shortfall(demand, true, 10),
    /k = 10 does not, and is used all the same; leave out --ring-bits/,
  );
  assert.match(shortfall(demand, false, undefined), /k makes no difference to this network/);
});
