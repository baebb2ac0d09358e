import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import * as ort from 'onnxruntime-web';
import { nearest, quantizeImage, runInteger } from '../../model/executor.ts';
import { loadModel } from '../../model/load.ts';
import { seededRandom } from '../../model/random.ts';
import { cifarImages } from './cifar.ts';
import { carriesOf, infer, prepare } from './rehearsal.ts';

const FOLDER = join(import.meta.dirname, '../../model-zoo/sphynx-c100-25k');

/** Bundles per session: they are held in memory, 33 MB each. */
const BATCH = 5;

const network = await loadModel(FOLDER);
const { input, preprocessing } = network.card;
const photographs = cifarImages(100);
const images = photographs ?? Array.from({ length: 20 }, (_, seed) => blobs(seededRandom(seed)));

/** A picture of soft blobs of colour on a plain background, as planes of bytes. */
function blobs(random: () => number): Uint8Array {
  const shapes = Array.from({ length: 5 }, () => ({
    x: 32 * random(),
    y: 32 * random(),
    size: 4 + 10 * random(),
    colour: [random(), random(), random()],
  }));
  return Uint8Array.from({ length: 3 * 32 * 32 }, (_, i) => {
    const [channel, y, x] = [Math.floor(i / 1024), Math.floor(i / 32) % 32, i % 32];
    const near = shapes.find((s) => Math.hypot(s.x - x, s.y - y) < s.size) ?? shapes[0];
    return Math.round(255 * near.colour[channel]);
  });
}

function normalise(pixels: Uint8Array): Float32Array {
  return Float32Array.from(pixels, (byte, i) => {
    const channel = Math.floor(i / 1024);
    return (byte / 255 - preprocessing.mean[channel]) / preprocessing.std[channel];
  });
}

const largest = (values: ArrayLike<number>) => Array.from(values).indexOf(Math.max(...Array.from(values)));

async function floatClasses(): Promise<number[]> {
  ort.env.wasm.numThreads = 1;
  const session = await ort.InferenceSession.create(readFileSync(join(FOLDER, 'model.onnx')), {
    logSeverityLevel: 3,
  });
  const classes: number[] = [];
  for (const pixels of images) {
    const tensor = new ort.Tensor('float32', normalise(pixels), [
      1,
      input.channels,
      input.height,
      input.width,
    ]);
    const results = await session.run({ [session.inputNames[0]]: tensor });
    classes.push(largest(results[session.outputNames[0]].data as Float32Array));
  }
  return classes;
}

test(`the trained network on ${images.length} images: private logits are the integer executor's, the class is the float model's`, async () => {
  const float = await floatClasses();
  const agreed = { private: 0, nearest: 0 };
  for (let start = 0; start < images.length; start += BATCH)
    for (const [i, preparation] of (await prepare(network, BATCH)).entries()) {
      const image = quantizeImage(network.card, normalise(images[start + i]));
      const inference = await infer(network, preparation, image);
      const { logits } = runInteger(network, image, carriesOf(network, preparation, inference));
      assert.deepEqual(inference.logits, logits, `image ${start + i}`);
      if (largest(logits) === float[start + i]) agreed.private++;
      if (largest(runInteger(network, image, nearest).logits) === float[start + i]) agreed.nearest++;
    }
  if (!photographs) return;
  // Random rounding now and then turns one of the images whose two best classes are all but equal.
  assert.ok(agreed.nearest >= 99, `${agreed.nearest} of 100 classes agree, rounded to nearest`);
  assert.ok(agreed.private >= 98, `${agreed.private} of 100 private classes agree`);
});
