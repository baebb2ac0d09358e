/** Grey pictures, vectors and signals in a browser: on the page, and with the client library. */
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { test } from 'node:test';
import sharp from 'sharp';
import type { BrowserClient } from '../../browser/index.ts';
import { greyOf, normalise } from '../../client/normalise.ts';
import { quantizeValues } from '../../client/values.ts';
import { seededRandom } from '../../fixtures/seeded-random.ts';
import { importGraph } from '../../importer/import-onnx.ts';
import { quantizeImage, runInteger } from '../../model/executor.ts';
import { inputScales } from '../../model/fixed-point/input-scales.ts';
import { planFixedPoint } from '../../model/fixed-point/planner.ts';
import { quantizeNetwork } from '../../model/fixed-point/quantize.ts';
import { RangeMeter } from '../../model/fixed-point/ranges.ts';
import { elementsOf } from '../../model/geometry.ts';
import type { FixedNetwork } from '../../model/network.ts';
import { OnnxBuilder } from '../support/onnx-builder.ts';
import { runningServer } from '../support/running-server.ts';
import { connectedPage, ORIGIN } from './bare-page.ts';
import { skip, visitor } from './chromium.ts';
import { ask, connected, openPage, pageServer, pixelsOf } from './real-page.ts';

declare const client: BrowserClient;

const RING_BITS = 12;
const CLASSES = 4;

/** A network as `sphynx import` makes it of a file, with random weights. */
async function model(
  name: string,
  sizes: readonly (number | string)[],
  build: (b: OnnxBuilder) => string,
): Promise<FixedNetwork> {
  const b = new OnnxBuilder({ channels: 1, height: 1, width: 1 }, 3);
  const { network, inputKind, head } = await importGraph(b.finish(build(b), sizes));
  const random = seededRandom(5);
  const meter = new RangeMeter(network);
  for (let i = 0; i < 20; i++)
    meter.add(Float32Array.from({ length: elementsOf(network.input) }, () => 2 * random() - 1));
  const plan = planFixedPoint(network, meter.ranges, {
    ringBits: RING_BITS,
    marginPercent: 200,
    calibrationImages: 20,
    calibration: 'inputs',
    input: inputScales(inputKind, meter.input, RING_BITS, network),
    weightNorm: 2 ** 13,
  });
  const { channels, height, width } = network.input;
  const each = (value: number) => new Array<number>(channels).fill(value);
  return quantizeNetwork(network, plan, {
    name,
    inputKind,
    head: head.head,
    labels: Array.from({ length: CLASSES }, (_, i) => `class ${i}`),
    preprocessing: { height, width, mean: each(0.5), std: each(0.5) },
  });
}

const relu = (b: OnnxBuilder, x: string) => b.node('Relu', [x]);
const grey = await model('digits', ['N', 1, 8, 8], (b) =>
  b.classifier(relu(b, b.conv('image', 1, 6, 3, { pads: [1, 1, 1, 1] })), 6, CLASSES),
);
const vector = await model('rows', ['N', 5], (b) => {
  const hidden = b.node('Gemm', ['image', b.constant([5, 8], -1, 1), b.constant([8])]);
  return b.node('Gemm', [relu(b, hidden), b.constant([8, CLASSES], -1, 1), b.constant([CLASSES])]);
});
const signal = await model('beats', ['N', 2, 16], (b) => {
  const convolved = b.node('Conv', ['image', b.constant([4, 2, 3])], { pads: [1, 1], strides: [2] });
  return b.node('Gemm', [b.node('Flatten', [relu(b, convolved)]), b.constant([32, CLASSES])]);
});

/** A picture in colours of which the grey network is sure. */
async function surePicture() {
  const { mean, std, width, height } = grey.card.preprocessing;
  for (;;) {
    const pixels = new Uint8Array(randomBytes(3 * width * height));
    const shades = greyOf(pixels);
    const { logits } = runInteger(grey, quantizeImage(grey.card, normalise(shades, 1, mean, std)), () => 0);
    const [first, second] = [...logits.keys()].sort((a, b) => logits[b] - logits[a]);
    const spread = Math.max(...logits) - Math.min(...logits);
    if (logits[first] - logits[second] < 0.15 * spread) continue;
    const buffer = await sharp(pixels, { raw: { width, height, channels: 3 } })
      .png()
      .toBuffer();
    const file = { name: 'noise.png', mimeType: 'image/png', buffer };
    return { file, pixels, shades, label: grey.card.labels[first] };
  }
}

test('the page classifies a colour picture with a grey network, and shows it in grey', {
  skip,
}, async () => {
  assert.deepEqual([grey.card.inputKind, grey.card.input.channels], ['picture', 1]);
  const page = await connected(openPage(await visitor(), await pageServer({ models: [grey] })));
  await page.getByText('digits knows 4 kinds of things, and looks at 8 × 8 pixels in grey.').waitFor();
  const picture = await surePicture();
  assert.equal(await ask(page, picture), picture.label);
  const shown = await pixelsOf(page, 'view-original');
  assert.deepEqual(
    shown,
    [...picture.shades].flatMap((shade) => [shade, shade, shade]),
  );
  const masked = await pixelsOf(page, 'view-masked');
  assert.ok(
    masked.every((value, i) => value === masked[i - (i % 3)]),
    'one share per pixel',
  );
  page.check();
});

test('the page describes the input of a network of numbers, and offers pictures only to the others', {
  skip,
}, async () => {
  const models = [vector, grey, signal];
  const page = await connected(openPage(await visitor(), await pageServer({ models })));
  await page.getByText('digits knows 4 kinds of things').waitFor();
  for (const [name, takes] of [
    ['rows', '5 numbers'],
    ['beats', '2 channels of 16 samples'],
  ]) {
    await page.getByLabel('Model').selectOption(name);
    await page.getByText(`${name} takes ${takes}, not pictures: this page cannot use it`).waitFor();
    assert.equal(await page.locator('#drop').isVisible(), false);
    assert.equal(await page.locator('#samples').isVisible(), false);
  }
  await page.getByLabel('Model').selectOption('digits');
  await page.locator('#drop').waitFor();
  const picture = await surePicture();
  assert.equal(await ask(page, picture), picture.label);
  page.check();
});

for (const network of [vector, signal])
  test(`the client library in a browser asks a network of a ${network.card.inputKind} with a typed array`, {
    skip,
  }, async () => {
    const { card } = network;
    const server = await runningServer({
      models: [network],
      web: { address: '127.0.0.1:0', origins: [ORIGIN] },
    });
    const page = await connectedPage(await visitor(), server.webPort as number);
    await page.evaluate(() => client.prepare({ count: 1 }));
    const random = seededRandom(9);
    const values = Float32Array.from({ length: elementsOf(card.input) }, () => random());
    const ask = (numbers: number[]) =>
      page.evaluate(async (list) => [...(await client.classify(Float32Array.from(list))).logits], numbers);
    // A wrong count costs no bundle.
    await assert.rejects(ask([...values].slice(1)), /expected|takes/);
    const logits = await ask([...values]);
    const plain = runInteger(network, quantizeValues(values, card), () => 0).logits;
    const spread = Math.max(...plain) - Math.min(...plain);
    assert.equal(logits.length, CLASSES);
    for (const [i, logit] of logits.entries()) {
      const word = logit * 2 ** card.logitScaleBits;
      assert.ok(Math.abs(word - plain[i]) <= 0.05 * spread + 64, `${word} instead of ${plain[i]}`);
    }
  });
