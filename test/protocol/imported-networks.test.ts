import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { test } from 'node:test';
import { gunzipSync } from 'node:zlib';
import fc from 'fast-check';
import { OnnxBuilder } from '../support/onnx-builder.ts';
import { randomGraph } from '../support/random-graph.ts';
import { imported, rehearseImport } from './imported.ts';

/** Made by trainer/tests/importer_fixtures.py. */
const FIXTURES = join(import.meta.dirname, '..', 'model', 'fixtures');

for (const file of readdirSync(FIXTURES))
  test(`${basename(file, '.onnx.gz')} from PyTorch: classes are the runtime's, private logits the executor's`, async () => {
    const onnx = gunzipSync(readFileSync(join(FIXTURES, file)));
    const model = await imported(onnx, 14);
    assert.ok(model.sameClass >= 0.9, `${model.sameClass} of the classes`);
    assert.ok(model.logitError < 0.15, `logits off by ${model.logitError} of their differences`);
    await rehearseImport(model);
  });

test('random graphs: private logits are the executor’s bit for bit, whatever was fused, cut and merged', async () => {
  const property = fc.asyncProperty(fc.nat(2 ** 30), fc.integer({ min: 2, max: 10 }), async (seed, steps) => {
    await rehearseImport(await imported(randomGraph(seed, steps), 13));
  });
  await fc.assert(property, { numRuns: 8 });
});

test('an image that the graph normalises: the bias at the border is private inference’s too', async () => {
  const b = new OnnxBuilder({ channels: 3, height: 6, width: 6 }, 3);
  const centred = b.node('Sub', ['image', b.constant([3, 1, 1], 0.5, 2)]);
  const map = b.conv(centred, 3, 4, 3, { pads: [1, 1, 1, 1] });
  const model = await imported(b.finish(b.classifier(b.node('Relu', [map]), 4, 3)), 13);
  assert.equal(model.network.layers[0].bias.length, 4 * 6 * 6);
  assert.ok(model.logitError < 0.02);
  await rehearseImport(model);
});
