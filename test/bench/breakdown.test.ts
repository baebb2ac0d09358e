import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { promisify } from 'node:util';
import fc from 'fast-check';
import { type BreakdownEntry, breakdownEntry, stepFigures } from '../../bench/breakdown/entry.ts';
import { busyMs, figuresOf, operationsOf, typical } from '../../bench/breakdown/steps.ts';
import type { Results } from '../../bench/results.ts';
import type { LoggedStep } from '../../threads/node/trace-log.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

const step = (party: 'client' | 'server', name: string, at: number, ms: number): LoggedStep => ({
  ...{ name, party, at, ms, layer: 1, start: at, process: party === 'client' ? 1 : 2, thread: 3 },
});

test('steps belong to the operation during which they began', () => {
  const steps = [5, 10, 14, 20, 29].map((at) => step('client', 'load', at, 4));
  const times = [
    { start: 10, end: 20 },
    { start: 20, end: 29 },
  ];
  assert.deepEqual(
    operationsOf(times, steps).map((operation) => operation.steps.map(({ at }) => at)),
    [[10, 14], [20]],
  );
});

test('overlapping steps of a thread count as busy time only once', () => {
  const spans = fc.array(fc.record({ at: fc.nat(60), ms: fc.nat(20) }), { maxLength: 12 });
  fc.assert(
    fc.property(spans, (all) => {
      const ticks = new Set(all.flatMap(({ at, ms }) => Array.from({ length: ms }, (_, i) => at + i)));
      assert.equal(busyMs(all), ticks.size);
    }),
  );
});

const operations = [
  {
    ...{ start: 0, end: 100 },
    steps: [
      step('client', 'load', 0, 10),
      step('client', 'evaluate', 10, 30),
      step('client', 'load', 50, 10),
      step('server', 'garble', 5, 40),
    ],
  },
  { start: 200, end: 260, steps: [step('client', 'evaluate', 210, 20)] },
  { start: 300, end: 380, steps: [] },
];

test('every run has its time by party and step, and the rest is waiting', () => {
  assert.deepEqual(figuresOf(operations), {
    'total ms': [100, 60, 80],
    'client load ms': [20, 0, 0],
    'client evaluate ms': [30, 20, 0],
    'client waiting ms': [50, 40, 80],
    'server garble ms': [40, 0, 0],
    'server waiting ms': [60, 60, 80],
  });
});

test('the run of median length is drawn', () => {
  assert.equal(typical(operations).start, 300);
  assert.equal(typical(operations.slice(0, 2)).start, 200);
});

test("the table has each party's longest step first and its waiting last, whatever else was measured", () => {
  const entry = breakdownEntry('m', 'inference', 'lan', operations, { 'online ms': [1, 2, 3] });
  assert.deepEqual(
    stepFigures(entry).map(({ party, step, figure }) => [party, step, figure.median]),
    [
      ['client', 'evaluate', 20],
      ['client', 'load', 0],
      ['client', 'waiting', 50],
      ['server', 'garble', 0],
      ['server', 'waiting', 60],
    ],
  );
  assert.equal(entry.figures['online ms'].median, 2);
});

const run = promisify(execFile);
const MAIN = join(import.meta.dirname, '../../bench/main.ts');

test('a breakdown has the steps of both parties in both phases, within the time of the run', async () => {
  const folder = temporaryFolder();
  const file = join(folder, 'breakdown.json');
  const args = ['--model', 'sphynx:2,2,0@8', '--repeat', '3', '--warm-up', '1', '--results', file, '--json'];
  const { stdout } = await run(process.execPath, [MAIN, 'breakdown', ...args], {
    env: { ...process.env, TMPDIR: folder },
  });
  const { kind, entries } = JSON.parse(stdout) as Results<BreakdownEntry>;
  assert.equal(kind, 'breakdown');
  assert.deepEqual(JSON.parse(readFileSync(file, 'utf8')).entries, entries);
  assert.deepEqual(
    entries.map(({ phase }) => phase),
    ['preparation', 'inference'],
  );
  const expected = [
    ['client encrypt', 'client decrypt', 'client base OTs', 'server multiply', 'server garble'],
    ['client load', 'client evaluate', 'server select labels', 'server linear layer'],
  ];
  for (const [i, entry] of entries.entries()) {
    const steps = stepFigures(entry);
    const names = steps.map(({ party, step }) => `${party} ${step}`);
    for (const name of expected[i]) assert.ok(names.includes(name), `${name} is missing in ${names}`);
    for (const { figure } of steps) assert.equal(figure.samples.length, 3);
    const { ms, steps: drawn } = entry.timeline;
    assert.equal(ms, entry.figures['total ms'].median);
    assert.ok(drawn.length > 10);
    for (const { start, ms: length } of drawn) assert.ok(start >= 0 && start + length <= ms + 1);
  }
});
