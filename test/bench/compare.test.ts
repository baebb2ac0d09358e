import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { test } from 'node:test';
import { promisify } from 'node:util';
import { compareResults, isRegression, ratioOfMedians } from '../../bench/compare.ts';
import {
  emptyResults,
  entryHead,
  type Results,
  sampled,
  withEntry,
  writeResults,
} from '../../bench/results.ts';
import { seededRandom } from '../../fixtures/seeded-random.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

const folder = temporaryFolder();

/** Times about `median` ms as machines give them: some noise, and now and then a much slower run. */
function times(random: () => number, count: number, median: number, noise: number): number[] {
  const normal = () => Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());
  return Array.from({ length: count }, () => {
    const outlier = random() < 0.1 ? 1 + random() : 1;
    return median * outlier * Math.exp(noise * normal());
  });
}

const results = (samples: readonly number[], name = 'a'): Results =>
  withEntry(emptyResults('paper', []), {
    ...entryHead(name, 'lan'),
    figures: { onlineMs: sampled(samples) },
  });

const SEEDS = Array.from({ length: 100 }, (_, i) => i + 1);

/** Of 100 pairs of runs, those that are called regressions. */
function alarms(growth: number, noise: number, threshold: number, count: number): number {
  return SEEDS.filter((seed) => {
    const random = seededRandom(seed);
    const low = ratioOfMedians(times(random, count, 40, noise), times(random, count, 40 * growth, noise)).low;
    return low > threshold;
  }).length;
}

test('a growth by a fifth is detected in twenty runs, and usually in ten', () => {
  assert.ok(alarms(1.2, 0.03, 1.1, 20) >= 95);
  assert.ok(alarms(1.2, 0.03, 1.1, 10) >= 75);
});

test('noise is not a regression, however large', () => {
  for (const noise of [0.02, 0.1, 0.3])
    for (const count of [5, 10, 20]) assert.ok(alarms(1, noise, 1.1, count) <= 3, `${noise} ${count}`);
});

test('the interval holds the true ratio nearly always', () => {
  const held = SEEDS.filter((seed) => {
    const random = seededRandom(1000 + seed);
    const { low, high } = ratioOfMedians(times(random, 15, 40, 0.1), times(random, 15, 50, 0.1));
    return low <= 1.25 && 1.25 <= high;
  });
  assert.ok(held.length >= 90, `${held.length}`);
});

test('the same samples give the same comparison, and the ratio is that of the medians', () => {
  const [a, b] = [
    [1, 2, 3, 4, 5],
    [2, 4, 6, 8, 11],
  ];
  assert.deepEqual(ratioOfMedians(a, b), ratioOfMedians(a, b));
  assert.equal(ratioOfMedians(a, b).value, 2);
  assert.deepEqual(ratioOfMedians([7, 7], [7, 7]), { low: 1, value: 1, high: 1 });
});

test('three samples are too few for a verdict', () => {
  const [comparison] = compareResults(results([1, 1, 1]), results([9, 9, 9]));
  assert.equal(isRegression(comparison, 1.1), false);
  assert.ok(comparison.few);
});

test('results without common figures are refused', () => {
  assert.throws(() => compareResults(results([1], 'a'), results([1], 'b')), { code: 'config/invalid' });
});

test('the command fails only for a regression above the chosen threshold', async () => {
  const [before, slower] = ['before.json', 'slower.json'].map((file) => join(folder, file));
  writeResults(before, results([40, 41, 42, 41, 40, 43]));
  writeResults(slower, results([60, 61, 62, 61, 60, 63]));
  const main = join(import.meta.dirname, '../../bench/main.ts');
  const run = (...args: string[]) =>
    promisify(execFile)(process.execPath, [main, 'compare', ...args]).then(
      ({ stdout }) => ({ code: 0, stdout }),
      ({ code, stdout }) => ({ code, stdout }),
    );
  const failed = await run(before, slower);
  assert.equal(failed.code, 1);
  assert.match(failed.stdout, /a over lan .*onlineMs .*x 1\.49 \(1\.\d\d to 1\.\d\d\) {2}SLOWER/);
  assert.equal((await run(slower, before)).code, 0);
  assert.equal((await run(before, slower, '--threshold', '2')).code, 0);
  assert.equal((await run(before, join(folder, 'none.json'))).code, 2);
});
