import assert from 'node:assert/strict';
import { cpSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { gunzipSync } from 'node:zlib';
import sharp from 'sharp';
import { indexOfLargest } from '../../cli/import/answers.ts';
import { prepareImage } from '../../client/node/image.ts';
import { randomImage } from '../../fixtures/random-image.ts';
import { seededRandom } from '../../fixtures/seeded-random.ts';
import { importGraph } from '../../importer/import-onnx.ts';
import { loadModel } from '../../importer/load-model.ts';
import { nearest, runInteger } from '../../model/executor.ts';
import { FloatRunner } from '../../model/float-network.ts';
import { makePlan } from '../../protocol/plan.ts';
import { OnnxBuilder } from '../support/onnx-builder.ts';
import { ROOT, sphynx } from '../support/sphynx.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

const folder = temporaryFolder();

/** A network of test/model/fixtures as a file of its own. */
function fixture(name: string): string {
  const file = join(folder, `${name}.onnx`);
  writeFileSync(file, gunzipSync(readFileSync(join(ROOT, 'test', 'model', 'fixtures', `${name}.onnx.gz`))));
  return file;
}

test('import reports the layers and costs of a network, and writes a folder that serve loads', async () => {
  const out = join(folder, 'served');
  const labels = join(folder, 'labels.txt');
  writeFileSync(labels, 'ant\nbee\ncat\ndog\n');
  const calibration = ['--images', join(ROOT, 'samples'), '--mean', '0.5,0.5,0.5', '--std', '0.2,0.2,0.2'];
  const args = ['import', fixture('uneven'), ...calibration, '--labels', labels, '--out', out, '--json'];
  const { code, stdout, stderr } = await sphynx(args);
  assert.equal(code, 0, stderr);
  const report = JSON.parse(stdout);
  const network = await loadModel(out);
  const plan = makePlan(network.card);
  assert.deepEqual(network.card.labels, ['ant', 'bee', 'cat', 'dog']);
  assert.equal(network.card.preprocessing.std[2], 0.2);
  assert.ok(runInteger(network, randomImage(network, 1), nearest).logits.some((logit) => logit !== 0));
  assert.deepEqual(report.costs.onlineBytes, plan.onlineBytes);
  assert.deepEqual(report.costs.offlineBytes, plan.offlineBytes);
  assert.equal(report.costs.relus, network.card.relus);
  assert.equal(report.costs.rounds, 6);
  assert.equal(report.layers.length, 6);
  assert.equal(report.layers.filter(({ cuts }: { cuts: object[] }) => cuts.length > 0).length, 2);
  for (const [l, layer] of report.layers.entries()) {
    assert.equal(layer.ringBits, network.card.layers[l].gadget?.ringBits ?? null);
    assert.ok(layer.loss >= 0 && layer.loss < 0.2, `layer ${layer.name} loses ${layer.loss}`);
    assert.ok(layer.range > 0 && layer.scales[0] > 0 && layer.operators.length > 0);
  }
  assert.ok(report.importError < 1e-4 && report.reference === 'onnxruntime');
  for (const { offlineMs, onlineMs } of report.costs.times) assert.ok(offlineMs > 0 && onlineMs > 0);
});

test('import reads CIFAR, reports in words, and writes nothing without --out', async () => {
  const data = temporaryFolder();
  const records = Buffer.alloc(18 * 3074).map((_, i) => (i * 7919) % 251);
  writeFileSync(join(data, 'train.bin'), records);
  const { code, stdout, stderr } = await sphynx(['import', fixture('vgg11'), '--images', data, '-k', '12']);
  assert.equal(code, 0, stderr);
  assert.match(stdout, /8 Conv, 8 Relu, 4 AveragePool/);
  assert.match(stdout, /^layer7\/relu +8x2x2 +32 +0 +12 +\d+/m);
  assert.match(stdout, /^mobile +[\d.]+ m?s +[\d.]+ m?s$/m);
  assert.match(stdout, /calibrated on 12 inputs/);
  assert.match(stdout, /fixed point against onnxruntime on 6 inputs: same class on \d+/);
  assert.match(stdout, /loses most/);
  assert.match(stdout, /nothing was written/);
});

test('import measures accuracy where images have classes, and predict answers like the network', async () => {
  const onnx = fixture('uneven');
  const labels = ['ant', 'bee', 'cat', 'dog'];
  const data = temporaryFolder();
  const { network: float } = await importGraph(readFileSync(onnx));
  const { height, width } = float.input;
  const random = seededRandom(3);
  const runner = new FloatRunner(float);
  const photos: { path: string; label: string }[] = [];
  for (let i = 0; i < 40; i++) {
    const colour = () => Math.floor(256 * random());
    const background = { r: colour(), g: colour(), b: colour() };
    const bytes = await sharp({ create: { width, height, channels: 3, background } })
      .png()
      .toBuffer();
    const input = {
      name: 'uneven',
      input: float.input,
      preprocessing: { height, width, mean: [0, 0, 0], std: [1, 1, 1] },
    };
    const label = labels[indexOfLargest(runner.run(await prepareImage(bytes, input)).at(-1)!)];
    const path = join(data, label, `${i}.png`);
    mkdirSync(join(data, label), { recursive: true });
    writeFileSync(path, bytes);
    photos.push({ path, label });
  }
  for (const label of labels) mkdirSync(join(data, label), { recursive: true });
  const out = join(folder, 'labelled');
  const imported = await sphynx(['import', onnx, '--images', data, '--out', out, '--json']);
  assert.equal(imported.code, 0, imported.stderr);
  const { accuracy } = JSON.parse(imported.stdout);
  assert.equal(accuracy.float, 100);
  assert.ok(accuracy.fixed >= 80 && accuracy.images === 13 && accuracy.tested === false, imported.stdout);
  assert.equal(JSON.parse(readFileSync(join(out, 'fixed-point.json'), 'utf8')).accuracy.float, 100);
  const predicted = await sphynx(['predict', ...photos.map(({ path }) => path), '--model', out, '--json']);
  assert.equal(predicted.code, 0, predicted.stderr);
  const answers = JSON.parse(predicted.stdout).images;
  const right = photos.filter(({ label }, i) => answers[i].top[0].label === label);
  assert.ok(right.length >= 36, `${right.length} of 40`);
});

test("import plans a trainer's folder in place, and takes facts from its manifest", async () => {
  const zoo = join(ROOT, 'model-zoo', 'sphynx-c100-25k');
  const own = join(folder, 'trained');
  cpSync(zoo, own, { recursive: true });
  const refused = await sphynx(['import', own, '--random', '--mean', '0']);
  assert.match(refused.stderr, /--mean: the manifest of .* defines it/);
  const planned = ['import', own, '--random', '--count', '2', '-k', '13', '--out', own];
  const { code, stderr } = await sphynx(planned);
  assert.equal(code, 0, stderr);
  const [{ card }, before] = [await loadModel(own), await loadModel(zoo)];
  assert.deepEqual([card.layers[0].gadget?.ringBits, card.labels], [13, before.card.labels]);
});

const bad = (build: (b: OnnxBuilder) => string): string => {
  const b = new OnnxBuilder({ channels: 3, height: 8, width: 8 }, 1);
  const file = join(folder, 'bad.onnx');
  writeFileSync(file, b.finish(b.classifier(build(b), 3, 2)));
  return file;
};

const WRONG: [string, () => string[], number, RegExp][] = [
  ['no images', () => [fixture('uneven')], 2, /--images FOLDER, or --random/],
  ['both kinds of images', () => [fixture('uneven'), '--random', '--images', '.'], 2, /--images FOLDER/],
  [
    'a folder without images',
    () => [fixture('uneven'), '--images', join(ROOT, 'proto')],
    2,
    /neither PNG, JPEG or WebP/,
  ],
  ['a file that is not there', () => ['nowhere.onnx', '--random'], 2, /cannot read nowhere\.onnx/],
  [
    'a file that is no network',
    () => [join(ROOT, 'README.md'), '--random'],
    1,
    /model\/(format|unsupported)/,
  ],
  [
    'means for other channels',
    () => [fixture('uneven'), '--random', '--mean', '1,2'],
    2,
    /2 numbers for .* 3 channels/,
  ],
  [
    'labels for other classes',
    () => [fixture('uneven'), '--random', '--labels', join(ROOT, 'LICENSE')],
    2,
    /for 4 classes/,
  ],
  [
    'a folder with a model',
    () => [fixture('uneven'), '--random', '--out', join(ROOT, 'model-zoo', 'sphynx-c100-25k')],
    2,
    /already holds a model/,
  ],
  [
    'what cannot be run',
    () => [bad((b) => b.node('Elu', [b.node('Sigmoid', ['image'])])), '--random'],
    1,
    /Sigmoid.*put a Relu.*\n.*Elu/,
  ],
];
for (const [what, args, expected, message] of WRONG)
  test(`import of ${what} ends with ${expected} and says why`, async () => {
    const { code, stdout, stderr } = await sphynx(['import', ...args()]);
    assert.match(stderr, message);
    assert.deepEqual([code, stdout], [expected, '']);
  });
