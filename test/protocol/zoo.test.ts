import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import * as ort from 'onnxruntime-web';
import { nearest, quantizeImage, runInteger } from '../../model/executor.ts';
import { loadModel } from '../../model/load.ts';
import type { FixedNetwork } from '../../model/network.ts';
import { seededRandom } from '../../model/random.ts';
import { cifarImages } from './cifar.ts';
import { carriesOf, infer, prepare } from './rehearsal.ts';

const ZOO = join(import.meta.dirname, '../../model-zoo');

/** Bundles per session: they are held in memory, up to 60 MB each. */
const BATCH = 5;

/** Images per model: more for the one that comes with the package. */
const IMAGES: Readonly<Record<string, number>> = { 'sphynx-c100-25k': 100 };
const FEW_IMAGES = 10;

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

function normalise({ card: { preprocessing } }: FixedNetwork, pixels: Uint8Array): Float32Array {
  return Float32Array.from(pixels, (byte, i) => {
    const channel = Math.floor(i / 1024);
    return (byte / 255 - preprocessing.mean[channel]) / preprocessing.std[channel];
  });
}

const largest = (values: ArrayLike<number>) => Array.from(values).indexOf(Math.max(...Array.from(values)));

/** The class of every image [3, 32, 32] in an independent runtime. */
async function floatClasses(folder: string, images: readonly Float32Array[]): Promise<number[]> {
  ort.env.wasm.numThreads = 1;
  const session = await ort.InferenceSession.create(readFileSync(join(folder, 'model.onnx')), {
    logSeverityLevel: 3,
  });
  const classes: number[] = [];
  for (const image of images) {
    const results = await session.run({
      [session.inputNames[0]]: new ort.Tensor('float32', image, [1, 3, 32, 32]),
    });
    classes.push(largest(results[session.outputNames[0]].data as Float32Array));
  }
  return classes;
}

for (const name of readdirSync(ZOO)) {
  const folder = join(ZOO, name);
  const count = IMAGES[name] ?? FEW_IMAGES;
  test(`${name} on ${count} images: private logits are the integer executor's, the class is the float model's`, async () => {
    const network = await loadModel(folder);
    const photographs = cifarImages(count);
    const pixels = photographs ?? Array.from({ length: FEW_IMAGES }, (_, seed) => blobs(seededRandom(seed)));
    const images = pixels.map((planes) => normalise(network, planes));
    const float = await floatClasses(folder, images);
    const disagreed = { private: 0, nearest: 0 };
    for (let start = 0; start < images.length; start += BATCH)
      for (const [i, preparation] of (await prepare(network, BATCH)).entries()) {
        const image = quantizeImage(network.card, images[start + i]);
        const inference = await infer(network, preparation, image);
        const { logits } = runInteger(network, image, carriesOf(network, preparation, inference));
        assert.deepEqual(inference.logits, logits, `image ${start + i}`);
        if (largest(logits) !== float[start + i]) disagreed.private++;
        if (largest(runInteger(network, image, nearest).logits) !== float[start + i]) disagreed.nearest++;
      }
    if (!photographs) return;
    // Rounding now and then turns one of the images whose two best classes are all but equal.
    assert.ok(disagreed.nearest <= 1, `${disagreed.nearest} classes differ, rounded to nearest`);
    assert.ok(disagreed.private <= 2, `${disagreed.private} private classes differ`);
  });
}
