import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { PLANNING } from '../../cli/import/planning.ts';
import { importGraph } from '../../importer/import-onnx.ts';
import { nearest, quantizeImage, runInteger } from '../../model/executor.ts';
import { inputScales } from '../../model/fixed-point/input-scales.ts';
import { planFixedPoint } from '../../model/fixed-point/planner.ts';
import { quantizeNetwork } from '../../model/fixed-point/quantize.ts';
import { rangeUse } from '../../model/fixed-point/range-use.ts';
import { RangeMeter } from '../../model/fixed-point/ranges.ts';
import { FloatRunner } from '../../model/float-network.ts';
import { cifarImages } from '../support/cifar.ts';
import { OnnxBuilder } from '../support/onnx-builder.ts';
import { referenceLogits } from '../support/onnx-reference.ts';

/** The networks that DELPHI's authors trained, as ONNX files; CIFAR-100's pictures serve as inputs (test/support/cifar.ts). */
const FOLDER = process.env.DELPHI_NETWORKS ?? join(import.meta.dirname, '../../../shared/data/delphi');

/** Squares of each network. */
const NETWORKS: Record<string, number> = {
  'minionn-relu': 0,
  'minionn-3-quadratic': 98_304,
  'minionn-5-quadratic': 152_576,
  'minionn-6-quadratic': 168_960,
  'minionn-7-quadratic': 173_056,
  resnet32: 0,
};

const INPUT = { channels: 3, height: 32, width: 32 };
const RING_BITS = 12;
/** More by CHECKED=200 in the environment. */
const CHECKED = Number(process.env.CHECKED ?? 6);
const CALIBRATION = CHECKED > 20 ? 100 : 20;

const pictures = cifarImages(CALIBRATION + CHECKED)?.map((bytes) => Float32Array.from(bytes, (v) => v / 255));

for (const [name, squares] of Object.entries(NETWORKS)) {
  const file = join(FOLDER, `${name}.onnx`);
  const missing = !pictures || !existsSync(file);
  const skip = missing && 'needs the networks (DELPHI_NETWORKS) and CIFAR-100 (CIFAR100)';
  test(`${name}: fixed point gives the classes of the independent runtime, but near ties`, {
    skip,
  }, async () => {
    await assertSameClasses(readFileSync(file), pictures!, squares);
  });
}

test('a generated network with quadratic and ReLU layers gives the classes of the independent runtime', async () => {
  const b = new OnnxBuilder(INPUT, 3);
  const same = { pads: [1, 1, 1, 1] };
  const first = b.quadratic(b.conv('image', 3, 6, 3, same), 6);
  const second = b.node('Relu', [b.conv(first, 6, 8, 3, { ...same, strides: [2, 2] })]);
  const third = b.quadratic(b.conv(second, 8, 8, 3, same), 8);
  const images = Array.from({ length: CALIBRATION + CHECKED }, () => {
    const [low, high] = [b.random(), b.random()];
    return Float32Array.from({ length: 3072 }, () => low + (high - low) * b.random());
  });
  const file = b.finish(b.classifier(third, 8, 10));
  // With random weights the outputs hardly depend on the image, so that classes nearly tie more often.
  await assertSameClasses(file, images, 6 * 1024 + 8 * 256, 0.06);
});

/** Plans on the first images and compares the classes of the others; a class may differ where the logits nearly tie, on the share `ties` of them. */
async function assertSameClasses(
  file: Uint8Array,
  images: readonly Float32Array[],
  squares: number,
  ties = 0.02,
) {
  const { network } = await importGraph(file);
  const flagged = network.layers.flatMap(({ square }) => [...(square ?? [])]);
  assert.equal(flagged.filter((flag) => flag === 1).length, squares);
  const meter = new RangeMeter(network, new FloatRunner(network));
  for (const image of images.slice(0, CALIBRATION)) meter.add(image);
  const plan = planFixedPoint(network, meter.ranges, {
    ...PLANNING,
    ringBits: RING_BITS,
    calibrationImages: CALIBRATION,
    calibration: 'inputs',
    input: inputScales('picture', meter.input, RING_BITS, network),
  });
  const classes = network.layers[network.layers.length - 1].output.channels;
  const fixed = quantizeNetwork(network, plan, {
    name: 'delphi',
    inputKind: 'picture',
    head: 'softmax',
    labels: Array.from({ length: classes }, (_, i) => `class ${i}`),
    preprocessing: { height: 32, width: 32, mean: [0, 0, 0], std: [1, 1, 1] },
  });
  let [different, beyond] = [0, 0];
  for (const [i, image] of images.slice(CALIBRATION).entries()) {
    const expected = await referenceLogits(file, INPUT, image);
    const { logits } = runInteger(fixed, quantizeImage(fixed.card, image), nearest);
    const [own, theirs] = [indexOfLargest(logits), indexOfLargest(expected)];
    if (own === theirs) continue;
    const alone = new RangeMeter(network);
    alone.add(image);
    // On some pictures of another data set deep quadratics give logits of a million and more, which no plan has room for.
    if (rangeUse(plan, alone.ranges) > 1) {
      beyond++;
      continue;
    }
    different++;
    const spread = Math.max(...expected) - Math.min(...expected);
    const gap = (expected[theirs] - expected[own]) / spread;
    assert.ok(
      gap < 0.03,
      `image ${i}: the classes are ${gap.toFixed(3)} of the spread ${spread.toPrecision(3)} apart`,
    );
  }
  assert.ok(4 * beyond <= CHECKED, `${beyond} of ${CHECKED} images are beyond the range`);
  assert.ok(different <= Math.max(1, ties * CHECKED), `${different} of ${CHECKED} classes differ`);
}

function indexOfLargest(values: ArrayLike<number>): number {
  let best = 0;
  for (let i = 1; i < values.length; i++) if (values[i] > values[best]) best = i;
  return best;
}
