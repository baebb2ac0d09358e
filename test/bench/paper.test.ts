import assert from 'node:assert/strict';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { benchModel, ZOO } from '../../bench/model.ts';
import { COLUMNS, paperRows, speedUp } from '../../bench/paper/columns.ts';
import type { PaperEntry } from '../../bench/paper/entry.ts';
import { PUBLISHED } from '../../bench/paper/published.ts';
import { ROWS, rowsNamed } from '../../bench/paper/rows.ts';
import { zooAccuracies } from '../../bench/paper/zoo-accuracy.ts';
import { sampled } from '../../bench/results.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

const folder = temporaryFolder();

test('the networks to measure have the ReLUs that the papers print', async () => {
  // Those of megabytes of weights are built by model.test.ts.
  const small = ROWS.filter(
    ({ kiloRelus, model }) => kiloRelus !== undefined && !/@224|,15,|:12,|:64/.test(model),
  );
  assert.ok(small.length >= 10);
  for (const { model, kiloRelus } of small) {
    const { relus } = (await benchModel(model)).card;
    // The paper prints 30.2K where its formula gives 30.7K.
    assert.ok(Math.abs(relus / 1000 - (kiloRelus as number)) <= (kiloRelus === 30.2 ? 0.6 : 0.2), model);
  }
});

test('every network is measured once, and a latency without a network is a point of another method', () => {
  assert.equal(new Set(ROWS.map(({ model }) => model)).size, ROWS.length);
  for (const { model, method, onlineMs, estimated, distilled } of PUBLISHED)
    if (model === undefined) assert.ok(onlineMs && (method !== 'Sphynx' || estimated || distilled), method);
});

test('rows go by their model, or by the beginning of model, method or data set', () => {
  assert.deepEqual(
    rowsNamed(['resnet18:8', 'sphynx:5,5,0+1@64']).map(({ model }) => model),
    ['sphynx:5,5,0+1@64', 'resnet18:8@224'],
  );
  assert.equal(rowsNamed(['tiny']).length, 13);
  assert.equal(rowsNamed(['sphynx:5,5,0+1']).length, 1);
  assert.ok(rowsNamed(['HRN']).every(({ model }) => model.startsWith('hrn:')));
  assert.throws(() => rowsNamed(['tiny', 'resnet50']), { code: 'config/invalid', message: /resnet50/ });
});

test('a trained network of the zoo is matched to its published network', () => {
  const zoo = join(folder, 'zoo');
  const add = (name: string, manifest: unknown, plan?: unknown) => {
    mkdirSync(join(zoo, name), { recursive: true });
    writeFileSync(join(zoo, name, 'manifest.json'), JSON.stringify(manifest));
    if (plan) writeFileSync(join(zoo, name, 'fixed-point.json'), JSON.stringify(plan));
  };
  const manifest = (family: string, config: unknown, float: number, imageSize = 32, more = {}) => ({
    ...{ family, config, accuracy: { float }, dataset: { name: 'cifar100', imageSize }, relus: 1, ...more },
  });
  const sphynx = { channels: 5, depth: 5, reduce: [0, 1] };
  add('a', manifest('sphynx', sphynx, 60), { accuracy: { fixed: 59.9 } });
  add('b', manifest('sphynx', sphynx, 58));
  add('c', manifest('hybrenet', { channels: 8, multipliers: [5, 5, 3] }, 70));
  add('d', manifest('sphynx', sphynx, 40, 64));
  add('e', manifest('resnet18', { channels: 64 }, 73, 32, { relus: 49_900, relusBeforeReduction: 557_056 }));
  const known = zooAccuracies(zoo);
  const expected = (name: string, method: string, float: number, relus = 1, fixed?: number) => ({
    ...{ folder: name, method, dataset: 'CIFAR-100', float, fixed, relus },
  });
  assert.deepEqual(Object.fromEntries(known), {
    'sphynx:5,5,0+1': expected('a', 'Sphynx (slim)', 60, 1, 59.9),
    'hrn:8,5,5,3': expected('c', 'HRN-5x5x3x', 70),
    'sphynx:5,5,0+1@64': expected('d', 'Sphynx (slim)', 40),
    'resnet18:64~91.0422': expected('e', 'SNL on ResNet18', 73, 49_900),
  });
  const names = ROWS.map(({ model }) => model);
  for (const name of known.keys()) assert.ok(names.includes(name), name);
  assert.ok(zooAccuracies(ZOO).has('sphynx:5,5,0+1'));
  add('f', manifest('sphynx', { ...sphynx, form: 'paper' }, 66));
  assert.equal(zooAccuracies(zoo).get('sphynx-paper:5,5,0+1')?.float, 66);
});

const entry = (name: string, network: string): PaperEntry => ({
  ...{ name, network, commit: 'abc', at: '2026-01-01T00:00:00.000Z', setting: 'fast', warmUp: 2 },
  ...{ relus: 25_600, macs: 140e6, rounds: 6, phases: [] },
  ...{ onlineBytes: { up: 114_688, down: 2_458_000 }, offlineBytes: { up: 3_951_296, down: 35_613_484 } },
  peakRss: { server: 562e6, client: 351e6 },
  figures: { onlineMs: sampled([40, 36, 55]), offlineMs: sampled([530]), plaintextMs: sampled([10]) },
});

test("a row has the paper's figures beside ours, each of ours with its spread", () => {
  const trained = { folder: 'a', float: 61.2, fixed: 61.25, method: 'Sphynx', dataset: 'CIFAR-100' };
  const zoo = new Map([['sphynx-paper:5,5,0+1', { ...trained, relus: 25_600 }]]);
  const rows = paperRows([entry('hrn:8,5,5,3', 'wan'), entry('sphynx-paper:5,5,0+1', 'loopback')], zoo);
  const cells = rows.map((row) => Object.fromEntries(COLUMNS.map(({ title, cell }) => [title, cell(row)])));
  const [hrn, sphynx] = cells;
  assert.equal(speedUp(rows[1]), 727 / 40);
  assert.deepEqual(sphynx, {
    network: 'Sphynx C=5 D=5, CIFAR-100',
    over: 'loopback',
    ReLUs: '25,600',
    'M MACs': '140',
    'accuracy here': '61.25 %',
    'of the paper': '66.13 %',
    "online, paper's": '727 ms',
    'online, ours': '40.0 ms (36.0 to 55.0)',
    ratio: '18.2x',
    offline: '530 ms (530 to 530)',
    'online MB up, down': '0.11, 2.46',
    'offline MB up, down': '3.95, 35.6',
    rounds: '6',
    'server, client MB': '562, 351',
    plaintext: '10.0 ms (10.0 to 10.0)',
    'price of privacy': '4.00x',
  });
  for (const title of ['accuracy here', 'of the paper', "online, paper's", 'ratio'])
    assert.equal(hrn[title], '');
});
