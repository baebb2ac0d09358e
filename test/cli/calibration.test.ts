import assert from 'node:assert/strict';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import sharp from 'sharp';
import { openDataSet } from '../../cli/datasets/open-data-set.ts';
import { isOneAnswer, sameAnswer, spreadsOf } from '../../cli/import/answers.ts';
import { randomCalibration, readNumbers, readPictures } from '../../cli/import/calibration.ts';
import { warnOfAnswers, warnOfCalibration, warnOfModel } from '../../cli/import/warnings.ts';
import { importGraph } from '../../importer/import-onnx.ts';
import { inputScales } from '../../model/fixed-point/input-scales.ts';
import type { ModelFacts } from '../../model/fixed-point/quantize.ts';
import type { NetworkShape } from '../../model/geometry.ts';
import { OnnxBuilder } from '../support/onnx-builder.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

const shape = { channels: 3, height: 4, width: 4 };
const facts: ModelFacts = {
  name: 'model',
  inputKind: 'picture',
  head: 'softmax',
  labels: ['a', 'b'],
  preprocessing: { height: 4, width: 4, mean: [0, 0, 0], std: [1, 1, 1] },
};

async function calibrationOf(folder: string, most: number) {
  const { train, source } = await openDataSet(folder);
  return readPictures(train, source, { ...facts, input: shape }, most);
}

async function picture(file: string, value: number): Promise<void> {
  const data = new Uint8Array(48).fill(value);
  await sharp(data, { raw: { width: 4, height: 4, channels: 3 } })
    .png()
    .toFile(file);
}

test('hidden files are ignored, and unreadable files are skipped, counted and replaced', async () => {
  const folder = temporaryFolder();
  mkdirSync(join(folder, 'dogs'));
  for (const [i, name] of ['a.png', 'dogs/b.png', 'dogs/c.png', 'e.png'].entries())
    await picture(join(folder, name), 50 * i);
  // What macOS writes beside files, and a download that broke off.
  writeFileSync(join(folder, '._a.png'), 'Mac OS X resource fork');
  writeFileSync(join(folder, 'dogs', '._b.jpg'), '');
  writeFileSync(join(folder, 'broken.jpg'), Buffer.from([0xff, 0xd8, 0xff, 0xe0, 0, 16]));
  writeFileSync(join(folder, 'empty.png'), '');
  const all = await calibrationOf(folder, 100);
  assert.deepEqual([all.images.length, all.skipped.count], [4, 2]);
  assert.match(all.skipped.first!, /broken\.jpg|empty\.png/);
  assert.match(warnOfCalibration(all, false).at(-1)!, /skipped 2 files that cannot be read; the first: /);
  const some = await calibrationOf(folder, 3);
  assert.equal(some.images.length, 3);
});

test('a folder of which nothing can be read is refused with the first reason', async () => {
  const folder = temporaryFolder();
  writeFileSync(join(folder, 'broken.png'), 'no picture');
  await assert.rejects(calibrationOf(folder, 10), {
    code: 'config/invalid',
    message: /nothing in .* can be read; the first: .*broken\.png/,
  });
});

test('rows of tables and arrays calibrate a model of numbers, normalised per column', async () => {
  const folder = temporaryFolder();
  const rows = Array.from({ length: 40 }, (_, i) => `${i},${-i}`).join('\n');
  writeFileSync(join(folder, 'train.csv'), `age,debt\n${rows}\n`);
  writeFileSync(join(folder, 'more.json'), '[[1, 2], [3, 4]]');
  writeFileSync(join(folder, 'labels.csv'), '0\n1\n1\n');
  const numbers: ModelFacts = {
    ...facts,
    inputKind: 'vector',
    preprocessing: { height: 1, width: 1, mean: [10, 0], std: [2, 1] },
  };
  const input = { channels: 2, height: 1, width: 1 };
  const whole = await readNumbers(folder, numbers, input, 1000);
  assert.deepEqual([whole.images.length, whole.skipped.count], [42, 1]);
  assert.ok(whole.images.some((values) => values[0] === -5 && values[1] === 0));
  const file = await readNumbers(join(folder, 'train.csv'), numbers, input, 4);
  assert.deepEqual(
    file.images.map((values) => Math.abs(values[1])),
    [0, 10, 20, 30],
  );
  await assert.rejects(readNumbers(join(import.meta.dirname, '..', '..', 'samples'), numbers, input, 4), {
    code: 'config/invalid',
    message: /neither numbers in \.npy, CSV or JSON files/,
  });
});

test('few inputs and random ones cause warnings', () => {
  const random = randomCalibration(facts, shape, 5);
  assert.match(warnOfCalibration(random, true).join(), /random inputs are for estimating costs/);
  assert.match(warnOfCalibration(random, false).join(), /^5 inputs are few/);
  assert.deepEqual(warnOfCalibration(randomCalibration(facts, shape, 30), false), []);
});

async function warningsOf(mean: number[], std: number[]): Promise<string[]> {
  const b = new OnnxBuilder(shape, 1);
  const file = b.finish(b.node('Softmax', [b.classifier(b.node('Relu', [b.conv('image', 3, 4, 3)]), 4, 2)]));
  return warnOfModel(await importGraph(file), {
    ...facts,
    preprocessing: { ...facts.preprocessing, mean, std },
  });
}

test('means and deviations of bytes cause a warning with the likely values', async () => {
  const bytes = [124, 116, 104];
  assert.deepEqual(await warningsOf([0.485, 0.456, 0.406], [0.229, 0.224, 0.225]), []);
  assert.match(
    (await warningsOf(bytes, [58.4, 57.1, 57.4])).join(),
    /--mean 0\.486,0\.455,0\.408 --std 0\.229,0\.224,0\.225$/,
  );
  assert.match((await warningsOf(bytes, [0.229, 0.224, 0.225])).join(), /--mean 0\.486,0\.455,0\.408$/);
  assert.match(
    (await warningsOf(bytes, [1, 1, 1])).join(),
    /--mean 0\.486,0\.455,0\.408 --std 0\.00392,0\.00392,0\.00392$/,
  );
  assert.match((await warningsOf([0, 0, 0], [255, 255, 255])).join(), /^--std is above 1.*--std 1,1,1$/);
});

test('a network that no picture fits, or whose outputs are ambiguous, causes a warning', async () => {
  const b = new OnnxBuilder({ ...shape, channels: 4 }, 1);
  const graph = await importGraph(b.finish(b.classifier(b.node('Relu', [b.conv('image', 4, 4, 3)]), 4, 2)));
  const warnings = warnOfModel(graph, { ...facts, inputKind: graph.inputKind }).join('\n');
  assert.match(
    warnings,
    /no picture fits this network, because it takes 4 channels.*typed array or a \.npy file/,
  );
  assert.match(
    warnings,
    /does not say what its outputs mean; they are taken as one of 2 classes \(--head softmax\)/,
  );
});

test('one logit is the same answer only with nearly the same probability, and not for any value', () => {
  const spreads = [1];
  assert.ok(sameAnswer('sigmoid', [2.1], [2], spreads));
  assert.ok(!sameAnswer('sigmoid', [0.9], [2], spreads), 'the same sign, but 71% for 88%');
  assert.ok(!sameAnswer('sigmoid', [-0.01], [0.01], spreads), 'another class');
  assert.ok(!sameAnswer('sigmoid', [9], [12], spreads), 'both are 100%, but the logit is far off');
  assert.ok(sameAnswer('sigmoid', [9], [12], [30]));
  assert.ok(!sameAnswer('sigmoid', [0.1], [1], [30]), 'a tenth of the spread, but 52% for 73%');
});

test('independent labels, and values, are compared one by one', () => {
  assert.ok(sameAnswer('multi-label', [2, -2, 0.1], [2.1, -2.1, 0.05], [1, 1, 1]));
  assert.ok(!sameAnswer('multi-label', [2, -2, -0.1], [2, -2, 0.05], [1, 1, 1]));
  const outputs = [
    [1, 1000],
    [3, 3000],
  ];
  const spreads = spreadsOf(outputs);
  assert.deepEqual(spreads, [1, 1000]);
  assert.ok(sameAnswer('values', [1.04, 1040], [1, 1000], spreads));
  assert.ok(!sameAnswer('values', [1.06, 1000], [1, 1000], spreads), 'the small output counts too');
  assert.deepEqual(spreadsOf([[5], [5]]), [5]);
  assert.ok(sameAnswer('softmax', [1, 9], [7, 8], [1, 1]));
  assert.ok(!sameAnswer('softmax', [9, 1], [7, 8], [1, 1]));
});

test('equal answers for all inputs cause a warning, because any k would give them', () => {
  const positive = [Float32Array.of(1), Float32Array.of(7)];
  assert.ok(isOneAnswer('sigmoid', positive));
  assert.ok(!isOneAnswer('sigmoid', [...positive, Float32Array.of(-1)]));
  assert.ok(!isOneAnswer('values', positive));
  assert.match(
    warnOfAnswers({ ...facts, head: 'sigmoid' }, positive).join(),
    /all 2 checked inputs the same/,
  );
});

/** A network whose layers read those tensors. */
function reading(...layers: number[][]): NetworkShape {
  const term = {
    pool: 'none',
    kernelHeight: 1,
    kernelWidth: 1,
    strideY: 1,
    strideX: 1,
    padTop: 0,
    padLeft: 0,
  };
  return {
    input: shape,
    layers: layers.map((tensors, l) => ({
      name: `layer${l}`,
      output: shape,
      terms: tensors.map((tensor) => ({ ...term, tensor, groups: 1 }) as const),
    })),
  } as NetworkShape;
}

test('inputs of like size share a scale, and columns of different units have their own', () => {
  const chain = reading([0], [1]);
  const like = inputScales('vector', Float64Array.of(1, 0, 0.9, 0.02), 10, chain);
  assert.deepEqual(like, { scaleBits: [8, 8, 8, 8], limit: 512 });
  const units = inputScales('vector', Float64Array.of(90, 1e6, 0.01, 0), 10, chain);
  assert.deepEqual(units, { scaleBits: [1, -12, 14, 8], limit: 512 });
  assert.deepEqual(inputScales('signal', Float64Array.of(0, 0), 10, chain).scaleBits, [8, 8]);
  const small = inputScales('vector', Float64Array.of(90, 95, 99, 0.01), 12, chain);
  assert.deepEqual(small.scaleBits, [3, 3, 3, 16]);
});

test('inputs of more than twice the largest of calibration are beyond the limit', () => {
  const { scaleBits, limit } = inputScales('vector', Float64Array.of(1.01, 1, 0.5), 12, reading([0], [1]));
  assert.deepEqual(scaleBits, [9, 9, 9]);
  assert.equal(limit, Math.ceil(2 * 1.01 * 2 ** 9));
});

test('a picture has twelve bits or more where layers read it by itself, and else those of the other tensors', () => {
  const bits = (ringBits: number, network: NetworkShape) => {
    const { scaleBits, limit } = inputScales('picture', Float64Array.of(9, 9, 9), ringBits, network);
    assert.equal(limit, null);
    return scaleBits;
  };
  assert.deepEqual(bits(10, reading([0], [1])), [12, 12, 12]);
  assert.deepEqual(bits(10, reading([0], [0, 0], [1, 2])), [12, 12, 12]);
  assert.deepEqual(bits(18, reading([0], [1])), [14, 14, 14]);
  assert.deepEqual(bits(10, reading([0], [0, 1])), [6, 6, 6]);
});
