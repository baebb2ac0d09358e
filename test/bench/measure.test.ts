import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { promisify } from 'node:util';
import type { Measurement } from '../../bench/measure.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

const run = promisify(execFile);
const MAIN = join(import.meta.dirname, '../../bench/main.ts');
const folder = temporaryFolder();

test('a measurement of two processes has every figure, a trace of both parties, and leaves nothing behind', async () => {
  const trace = join(folder, 'trace.json');
  const args = ['online', '--model', 'sphynx:2,2,0@8', '--repeat', '2', '--warm-up', '0', '--trace', trace];
  const env = { ...process.env, TMPDIR: folder };
  const { stdout } = await run(process.execPath, [MAIN, ...args, '--json'], { env });
  const figures = JSON.parse(stdout) as Measurement;
  assert.equal(figures.model, 'sphynx:2,2,0@8');
  assert.equal(figures.relus, 256);
  assert.equal(figures.repeat, 2);
  assert.equal(figures.rounds, 3);
  for (const { median, min, max } of [figures.onlineMs, figures.offlineMs])
    assert.ok(0 < min && min <= median && median <= max);
  const { onlineBytes, offlineBytes, peakRss } = figures;
  assert.deepEqual(onlineBytes, { up: 4 * (3 * 64 + 256), down: 96 * 256 + 4 * 100 });
  assert.ok(offlineBytes.up > 0 && offlineBytes.down > 1104 * 256);
  assert.ok(peakRss.server > 1e6 && peakRss.client > 1e6);
  const { preparation, inference, together } = figures.cpuMs;
  for (const party of ['server', 'client'] as const) {
    assert.ok(preparation[party] > 0 && inference[party] > 0);
    assert.equal(together[party], preparation[party] + inference[party]);
  }
  const names = figures.phases.map(({ party, name }) => `${party} ${name}`);
  for (const name of ['server garble', 'server multiply', 'client evaluate', 'client decrypt'])
    assert.ok(names.includes(name), `${name} is missing in ${names}`);
  const events: { cat?: string }[] = JSON.parse(readFileSync(trace, 'utf8')).traceEvents;
  assert.deepEqual(new Set(events.flatMap(({ cat }) => cat ?? [])), new Set(['client', 'server']));
  assert.deepEqual(readdirSync(folder), ['trace.json']);
});

test('a model that cannot be measured is an error on one line', async () => {
  const failure = await run(process.execPath, [MAIN, 'online', '--model', 'nothing']).catch((error) => error);
  assert.equal(failure.code, 2);
  assert.match(failure.stderr, /config\/invalid: nothing is neither a folder of model-zoo/);
});
