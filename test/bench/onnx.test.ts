import assert from 'node:assert/strict';
import { test } from 'node:test';
import { benchModel } from '../../bench/model.ts';
import { onnxOf } from '../../bench/paper/onnx.ts';
import { randomImage } from '../../fixtures/random-image.ts';
import { seededRandom } from '../../fixtures/seeded-random.ts';
import { FloatRuntime } from '../../importer/float-runtime.ts';
import { stochasticRange } from '../../model/executor.ts';
import { dimsOf } from '../../model/geometry.ts';

for (const name of [
  'sphynx:2,3,1@16',
  'sphynx:3,3,0+1@32~50',
  'hrn:1,2,2,1',
  'vgg11:8',
  'resnet32:2~90',
  'sphynx:3,3,0+1@32~20^50',
  'sphynx:3,1,0@16^100',
])
  test(`the plaintext baseline computes the network that is measured: ${name}`, async () => {
    const network = await benchModel(name);
    const image = randomImage(network, 7);
    const runtime = await FloatRuntime.create(onnxOf(network), dimsOf(network.card.input));
    const logits = await runtime.logits(Float32Array.from(image));
    const { mean, deviation } = stochasticRange(network, image, 32, seededRandom(3));
    const spread = Math.max(...mean) - Math.min(...mean);
    assert.ok(spread > 20 * Math.max(...deviation), 'the logits would say nothing');
    for (const [i, logit] of logits.entries())
      assert.ok(Math.abs(logit - mean[i]) < 8 * deviation[i] + 0.01 * spread, `logit ${i}: ${logit}`);
  });
