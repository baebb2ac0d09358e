/** ONNX files through import, planning and a private inference, against an independent runtime: support for tests. */
import assert from 'node:assert/strict';
import * as ort from 'onnxruntime-web';
import { seededRandom } from '../../fixtures/seeded-random.ts';
import { importGraph } from '../../importer/import-onnx.ts';
import { nearest, quantizeImage, runInteger } from '../../model/executor.ts';
import { planFixedPoint } from '../../model/fixed-point/planner.ts';
import { quantizeNetwork } from '../../model/fixed-point/quantize.ts';
import { measureRanges } from '../../model/fixed-point/ranges.ts';
import { FloatRunner } from '../../model/float-network.ts';
import { elementsOf } from '../../model/geometry.ts';
import type { FixedNetwork } from '../../model/network.ts';
import { carriesOf, errorsOf, infer, prepare } from '../support/both-roles.ts';

const IMAGES = 20;

export interface ImportedNetwork {
  readonly network: FixedNetwork;
  readonly images: readonly Float32Array[];
  /** Share of the images of which fixed point gives the runtime's class. */
  readonly sameClass: number;
  /** Root mean square of the errors of the logits over that of their differences between images. */
  readonly logitError: number;
}

/** Imports a file, plans it on random images and compares the classes of the integers with the runtime's. */
export async function imported(onnx: Uint8Array, ringBits: number): Promise<ImportedNetwork> {
  const { network: float, inputKind, head } = await importGraph(onnx);
  const { channels, height, width } = float.input;
  const random = seededRandom(7);
  const images = Array.from({ length: IMAGES }, () =>
    Float32Array.from({ length: elementsOf(float.input) }, () => 4 * random() - 2),
  );
  const plan = planFixedPoint(float, measureRanges(float, images), {
    ringBits,
    marginPercent: 150,
    calibrationImages: IMAGES,
    calibration: 'inputs',
    input: { scaleBits: new Array(channels).fill(ringBits - 4), limit: null },
    weightNorm: 2 ** 13,
  });
  const classes = float.layers[float.layers.length - 1].output.channels;
  const one = new Array<number>(channels).fill(1);
  const network = quantizeNetwork(float, plan, {
    name: 'imported',
    inputKind,
    head: head.head,
    labels: Array.from({ length: classes }, (_, i) => `class ${i}`),
    preprocessing: { height, width, mean: one, std: one },
  });
  ort.env.wasm.numThreads = 1;
  const session = await ort.InferenceSession.create(onnx, { logSeverityLevel: 3 });
  let same = 0;
  const runner = new FloatRunner(float);
  const floats = images.map((image) => runner.run(image)[float.layers.length - 1]);
  const means = floats[0].map((_, c) => floats.reduce((sum, logits) => sum + logits[c] / IMAGES, 0));
  let [errors, differences] = [0, 0];
  for (const [i, image] of images.entries()) {
    const input = new ort.Tensor('float32', image, [1, channels, height, width]);
    const expected = (await session.run({ [session.inputNames[0]]: input }))[session.outputNames[0]].data;
    const { logits } = runInteger(network, quantizeImage(network.card, image), nearest);
    if (indexOfLargest(logits) === indexOfLargest(expected as Float32Array)) same++;
    for (const [c, logit] of floats[i].entries()) {
      errors += (logits[c] / 2 ** network.card.logitScaleBits - logit) ** 2;
      differences += (logit - means[c]) ** 2;
    }
  }
  return { network, images, sameClass: same / IMAGES, logitError: Math.sqrt(errors / differences) };
}

/** One private inference: its logits are the integer executor's, bit for bit. */
export async function rehearseImport({ network, images }: ImportedNetwork): Promise<void> {
  const image = quantizeImage(network.card, images[0]);
  const [preparation] = await prepare(network);
  const inference = await infer(network, preparation, image);
  const { logits } = runInteger(
    network,
    image,
    carriesOf(network, preparation, inference),
    errorsOf(network, preparation),
  );
  assert.deepEqual(inference.logits, logits);
}

function indexOfLargest(values: ArrayLike<number>): number {
  let best = 0;
  for (let i = 1; i < values.length; i++) if (values[i] > values[best]) best = i;
  return best;
}
