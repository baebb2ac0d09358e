import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import * as ort from 'onnxruntime-web';
import { seededRandom } from '../../fixtures/seeded-random.ts';
import { loadModel } from '../../importer/load-model.ts';
import { nearest, quantizeImage, runInteger } from '../../model/executor.ts';
import type { FixedNetwork } from '../../model/network.ts';
import { carriesOf, errorsOf, infer, prepare } from '../support/both-roles.ts';
import { cifarImages } from '../support/cifar.ts';

const ZOO = join(import.meta.dirname, '../../model-zoo');

/** The one that comes with the package. */
const DEFAULT = 'sphynx-c100-25k';

/**
 * Images per model in private, of one session: all bits of all their logits must be right, so more of them would say
 * little. Their bundles are held in memory, up to 60 MB each.
 */
const [IMAGES, FEW_IMAGES] = [10, 5];
/** Images whose class in integers is compared with the float model's. */
const [COMPARED, FEW_COMPARED] = [120, 30];

/** The data set is read once. */
const PHOTOGRAPHS = cifarImages(COMPARED);

/**
 * Largest error of private logits, as a share of the spread of the float model's. On 150 images with random carries it
 * was 0.05 in the median and at most 0.14; logits of another image would be wrong by more than 1.
 */
const LOGIT_ERROR = 0.5;

/** Standard errors by which fewer classes may agree here than on all test images. */
const STANDARD_ERRORS = 4;

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

/** The logits of every image [3, 32, 32] in an independent runtime. */
async function floatLogits(folder: string, images: readonly Float32Array[]): Promise<Float32Array[]> {
  ort.env.wasm.numThreads = 1;
  const session = await ort.InferenceSession.create(readFileSync(join(folder, 'model.onnx')), {
    logSeverityLevel: 3,
  });
  const logits: Float32Array[] = [];
  for (const image of images) {
    const results = await session.run({
      [session.inputNames[0]]: new ort.Tensor('float32', image, [1, 3, 32, 32]),
    });
    logits.push(results[session.outputNames[0]].data as Float32Array);
  }
  return logits;
}

/** Root mean square of the errors of integer logits, over the standard deviation of the expected ones. */
function logitError({ card }: FixedNetwork, logits: Int32Array, expected: Float32Array): number {
  const mean = expected.reduce((sum, logit) => sum + logit / expected.length, 0);
  let [errors, spread] = [0, 0];
  for (const [i, logit] of expected.entries()) {
    errors += (logits[i] / 2 ** card.logitScaleBits - logit) ** 2;
    spread += (logit - mean) ** 2;
  }
  return Math.sqrt(errors / spread);
}

/** Share of all test images on which the plan's file says that the class is the float model's. */
function publishedAgreement(folder: string): number {
  const { accuracy } = JSON.parse(readFileSync(join(folder, 'fixed-point.json'), 'utf8'));
  assert.ok(accuracy.agreement > 95 && accuracy.float - accuracy.fixed <= 0.3, 'the plan is a good one');
  return accuracy.agreement / 100;
}

for (const name of readdirSync(ZOO)) {
  const folder = join(ZOO, name);
  const [count, compared] = name === DEFAULT ? [IMAGES, COMPARED] : [FEW_IMAGES, FEW_COMPARED];
  test(`${name} on ${count} images: private logits are the integer executor's, close to the float model's`, async () => {
    const network = await loadModel(folder);
    const photographs = PHOTOGRAPHS?.slice(0, compared);
    const pixels = photographs ?? Array.from({ length: count }, (_, seed) => blobs(seededRandom(seed)));
    const images = pixels.map((planes) => normalise(network, planes));
    const float = await floatLogits(folder, images);
    const inputs = images.map((image) => quantizeImage(network.card, image));
    for (const [i, preparation] of (await prepare(network, count)).entries()) {
      const inference = await infer(network, preparation, inputs[i]);
      const carries = carriesOf(network, preparation, inference);
      const { logits } = runInteger(network, inputs[i], carries, errorsOf(network, preparation));
      assert.deepEqual(inference.logits, logits, `image ${i}`);
      if (!photographs) continue;
      const error = logitError(network, logits, float[i]);
      assert.ok(error <= LOGIT_ERROR, `image ${i}: the logits are wrong by ${error} of their spread`);
    }
    if (!photographs) return;
    const rounded = inputs.map((input) => largest(runInteger(network, input, nearest).logits));
    const same = rounded.filter((top, i) => top === largest(float[i])).length;
    const share = publishedAgreement(folder);
    const error = Math.sqrt((share * (1 - share)) / images.length);
    const least = (share - STANDARD_ERRORS * error) * images.length;
    assert.ok(same >= least, `the float model's class on ${same} of ${images.length}, expected ${least}`);
  });
}
