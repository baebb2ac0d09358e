/** A model of numbers from the ONNX file to the answer, as people use it. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { after, before, test } from 'node:test';
import { seededRandom } from '../../fixtures/seeded-random.ts';
import { OnnxBuilder } from '../support/onnx-builder.ts';
import { referenceOutputs } from '../support/onnx-reference.ts';
import { outcome, sphynx, start } from '../support/sphynx.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

const COLUMNS = 5;
/** Columns of very different units, as tables have. */
const UNITS = [1, 100, 1e5, 0.01, 1];
const folder = temporaryFolder();
const model = join(folder, 'model');
const table = join(folder, 'rows.csv');
const random = seededRandom(4);
const rows = Array.from({ length: 60 }, () => UNITS.map((unit) => unit * (2 * random() - 1)));
let onnx: Uint8Array;
let server: string;
const children: ReturnType<typeof start>[] = [];
after(() => {
  for (const child of children) child.kill('SIGKILL');
});

/** A perceptron that brings the columns to one size itself, and ends in a Sigmoid. */
function perceptron(): Uint8Array {
  const b = new OnnxBuilder({ channels: 1, height: 1, width: 1 }, 2);
  const even = b.node('Div', ['image', b.values([COLUMNS], UNITS)]);
  const hidden = b.node('Gemm', [even, b.constant([COLUMNS, 8], -1, 1), b.constant([8])]);
  const logit = b.node('Gemm', [b.node('Relu', [hidden]), b.constant([8, 1], -3, 3), b.constant([1])]);
  return b.finish(b.node('Sigmoid', [logit]), ['N', COLUMNS]);
}

/** Starts `sphynx serve` on a folder; gives its address, and what it logs later. */
async function serve(served: string) {
  const args = [
    '--json',
    'serve',
    '--model',
    served,
    '--listen',
    '127.0.0.1:0',
    '--state',
    temporaryFolder(),
  ];
  const child = start([...args, '--log-level', 'warn']);
  children.push(child);
  let log = '';
  child.stderr?.on('data', (chunk) => {
    log += chunk;
  });
  const [line] = await once(createInterface(child.stdout!), 'line');
  return { address: `127.0.0.1:${JSON.parse(line).port}`, log: () => log };
}

before(async () => {
  onnx = perceptron();
  writeFileSync(join(folder, 'risk.onnx'), onnx);
  writeFileSync(table, `a,b,c,d,e\n${rows.map((row) => row.join(',')).join('\n')}\n`);
  const labels = join(folder, 'labels.txt');
  writeFileSync(labels, 'low\nhigh\n');
  const args = ['import', join(folder, 'risk.onnx'), '--images', table, '--labels', labels, '--out', model];
  const { code, stdout, stderr } = await sphynx(args);
  assert.equal(code, 0, stderr);
  assert.match(stdout, /takes 5 numbers; answers one of 2 classes\nSigmoid at the end: left to the client/);
  assert.match(stdout, /same class, and its probability to 5 points, on (99|100)/);
  server = (await serve(model)).address;
});

/** A command against the server, with a state of its own. */
const state = temporaryFolder();
const command = (...args: string[]) => sphynx([...args, '--server', server], { SPHYNX_STATE: state });

test('each row of a table gets its class, with the probability that the runtime gives', async () => {
  const file = join(folder, 'three.csv');
  writeFileSync(
    file,
    rows
      .slice(0, 3)
      .map((row) => row.join(','))
      .join('\n'),
  );
  const { code, stdout, stderr } = await command('--json', 'classify', file);
  assert.equal(code, 0, stderr);
  const { images } = JSON.parse(stdout);
  assert.equal(images.length, 3);
  for (const [i, { name, head, top }] of images.entries()) {
    assert.deepEqual([name, head, top.length], [`${file} [${i}]`, 'sigmoid', 2]);
    const [expected] = await referenceOutputs(onnx, [1, COLUMNS], Float32Array.from(rows[i]));
    const high = top.find(({ label }: { label: string }) => label === 'high');
    assert.ok(Math.abs(high.p - expected) < 0.05, `${high.p} instead of ${expected}`);
  }
});

test('a table with a wrong row is refused before a bundle is spent', async () => {
  for (const [text, message] of [
    ['1,2,3,4\n', /input\/invalid: .*shape 1x4; the model takes 5 numbers/],
    ['1,2,3,4,\n', /line 1, cell 5 is empty/],
    ['1,2,1e9,0,5\n', /number 3 is outside the range of the fixed point of risk/],
  ] as const) {
    const file = join(folder, 'wrong.csv');
    writeFileSync(file, text);
    const { code, stderr } = await command('classify', file, '--no-prepare');
    assert.equal(code, 1);
    assert.match(stderr, message);
    assert.doesNotMatch(stderr, /bundle/);
  }
});

test('models and doctor describe the input of the model', async () => {
  assert.match((await command('models')).stdout, /risk +5 numbers +one of 2 classes +logits/);
  const { stdout } = await command('doctor');
  assert.match(stdout, /ok +model +risk@[0-9a-f]+ takes 5 numbers; plans agree/);
});

test('a model with random scales says so in its folder, in the log of serve, and in doctor', async () => {
  const out = join(folder, 'random');
  const imported = await sphynx(['import', join(folder, 'risk.onnx'), '--random', '-k', '12', '--out', out]);
  assert.equal(imported.code, 0, imported.stderr);
  assert.match(imported.stderr, /warning: random inputs are for estimating costs/);
  assert.equal(JSON.parse(readFileSync(join(out, 'fixed-point.json'), 'utf8')).calibration, 'random');
  const served = await serve(out);
  assert.match(
    served.log(),
    /"model":"risk@[0-9a-f]+","msg":"the scales of this model were chosen on random/,
  );
  const child = start(['doctor', '--server', served.address], { SPHYNX_STATE: temporaryFolder() });
  assert.match((await outcome(child)).stdout, /-> its scales were chosen on random inputs/);
});
