import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { promisify } from 'node:util';
import fc from 'fast-check';
import { poissonArrivals } from '../../bench/load/arrivals.ts';
import { type LoadEntry, loadEntry, percentile, sustainableRate } from '../../bench/load/entry.ts';
import { answerInOrder } from '../../bench/load/queue.ts';
import type { Results } from '../../bench/results.ts';
import { seededRandom } from '../../fixtures/seeded-random.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

const gapsOf = (arrivals: readonly number[]) => arrivals.map((at, i) => at - (arrivals[i - 1] ?? 0));

test('gaps between arrivals are exponential with the mean of the rate', () => {
  const rate = 4; // a second: a mean of 250 ms
  const gaps = gapsOf(poissonArrivals(rate, 5000, 0, seededRandom(7)));
  const mean = gaps.reduce((sum, gap) => sum + gap, 0) / gaps.length;
  assert.ok(Math.abs(mean / 250 - 1) < 0.03, `${mean}`);
  // Kolmogorov and Smirnov's distance from the distribution 1 - exp(-x / mean), at one in 1,000.
  const sorted = [...gaps].sort((a, b) => a - b);
  const distance = Math.max(
    ...sorted.map((gap, i) => Math.abs(1 - Math.exp(-gap / 250) - i / sorted.length)),
  );
  assert.ok(distance < 1.95 / Math.sqrt(gaps.length), `${distance}`);
});

test('arrivals in one second are independent of those in the next', () => {
  const counts = new Array(4000).fill(0);
  for (const at of poissonArrivals(3, counts.length, 0, seededRandom(11))) counts[Math.floor(at / 1000)]++;
  const mean = counts.reduce((sum, count) => sum + count, 0) / counts.length;
  const covariance = (lag: number) =>
    counts.slice(lag).reduce((sum, count, i) => sum + (count - mean) * (counts[i] - mean), 0) / counts.length;
  assert.ok(Math.abs(covariance(0) / mean - 1) < 0.1, 'the variance of a Poisson count is its mean');
  assert.ok(Math.abs(covariance(1)) < 0.1 * mean);
});

test('arrivals ascend, are reproducible from the seed, and last the given time after the first ones', () => {
  const rates = fc.double({ min: 0.1, max: 50, noNaN: true });
  fc.assert(
    fc.property(
      rates,
      fc.integer({ min: 1, max: 20 }),
      fc.nat(20),
      fc.nat(),
      (rate, seconds, before, seed) => {
        const arrivals = poissonArrivals(rate, seconds, before, seededRandom(seed));
        assert.deepEqual(arrivals, poissonArrivals(rate, seconds, before, seededRandom(seed)));
        assert.ok(gapsOf(arrivals).every((gap) => gap >= 0));
        assert.ok(arrivals.length >= before);
        const start = before === 0 ? 0 : arrivals[before - 1];
        assert.ok(arrivals.slice(before).every((at) => at < start + 1000 * seconds));
      },
    ),
  );
});

test('requests are answered in order, one at a time, after their arrival and preparation', async () => {
  const work = fc.record({
    gap: fc.integer({ min: 0, max: 100 }),
    wait: fc.nat(50),
    ms: fc.integer({ min: 1, max: 100 }),
  });
  await fc.assert(
    fc.asyncProperty(fc.array(work, { maxLength: 30 }), async (all) => {
      let time = 0;
      const clock = {
        now: () => time,
        until: async (until: number) => {
          time = Math.max(time, until);
        },
      };
      let sum = 0;
      const arrivals = all.map(({ gap }) => {
        sum += gap;
        return sum;
      });
      let next = 0;
      const requests = await answerInOrder(arrivals, clock, async () => {
        const { wait, ms } = all[next++];
        time += wait + ms;
        return wait;
      });
      let free = 0;
      for (const [i, { arrived, started, answered, preparingMs }] of requests.entries()) {
        assert.equal(arrived, arrivals[i]);
        assert.equal(started, Math.max(arrived, free));
        assert.equal(preparingMs, all[i].wait);
        free = started + all[i].wait + all[i].ms;
        assert.equal(answered, free);
      }
      assert.equal(requests.length, all.length);
    }),
  );
});

test('a percentile is the smallest value that the given share does not exceed', () => {
  fc.assert(
    fc.property(
      fc.array(fc.integer(), { minLength: 1 }),
      fc.double({ min: 0.01, max: 1, noNaN: true }),
      (values, share) => {
        const found = percentile(values, share);
        const upTo = (most: number) => values.filter((value) => value <= most).length / values.length;
        assert.ok(values.includes(found));
        assert.ok(upTo(found) >= share - 1e-9);
        for (const value of values) if (value < found) assert.ok(upTo(value) < share);
      },
    ),
  );
});

const studied = {
  ...{ model: 'm', network: 'lan', relus: 10, macs: 20, pool: 2, low: 2, bundleBytes: 30 },
};
const head = { name: 'm', network: 'lan', commit: 'c', at: 't' };

test('requests that used bundles prepared earlier do not count', () => {
  const request = (arrived: number, preparingMs: number) => ({
    ...{ arrived, started: arrived + 5, answered: arrived + 25 + preparingMs, preparingMs },
  });
  const requests = [
    request(0, 0),
    request(1, 0),
    request(2, 0),
    request(3, 40),
    request(4, 0),
    request(5, 0),
  ];
  const entry = loadEntry(head, studied, 3, { requests, prepared: { bundles: 3, ms: 1500 } });
  assert.deepEqual(entry.figures.latencyMs.samples, [25, 65, 25, 25]);
  assert.deepEqual(entry.figures.queueMs.samples, [5, 5, 5, 5]);
  assert.deepEqual(entry.figures.preparingMs.samples, [0, 40, 0, 0]);
  assert.equal(entry.waitingShare, 0.25);
});

test('a rate is sustained if neither it nor a lower one makes too many requests wait', () => {
  const at = (rate: number, waitingShare: number) => ({ rate, waitingShare }) as LoadEntry;
  assert.equal(sustainableRate([at(3, 0.5), at(1, 0), at(2, 0.1)]), 2);
  assert.equal(sustainableRate([at(1, 0), at(2, 0.2), at(3, 0.05)]), 1);
  assert.equal(sustainableRate([at(1, 0.3), at(2, 0.01)]), undefined);
  assert.equal(sustainableRate([at(1, 0), at(2, 0)]), 2);
});

const run = promisify(execFile);
const MAIN = join(import.meta.dirname, '../../bench/main.ts');

test('a study of two processes has every request, and overload makes requests wait for bundles', async () => {
  const folder = temporaryFolder();
  const results = join(folder, 'load.json');
  const settings = ['--rates', '25,50', '--pool', '2', '--low', '1', '--seconds', '1', '--results', results];
  const args = ['load', '--model', 'sphynx:2,2,0@8', ...settings, '--json'];
  const { stdout } = await run(process.execPath, [MAIN, ...args], {
    env: { ...process.env, TMPDIR: folder },
  });
  const { kind, entries } = JSON.parse(stdout) as Results<LoadEntry>;
  assert.equal(kind, 'load');
  assert.deepEqual(JSON.parse(readFileSync(results, 'utf8')).entries, entries);
  assert.equal(entries.length, 1, 'above an overload nothing is measured');
  const [overload] = entries;
  assert.equal(overload.rate, 25);
  assert.equal(overload.relus, 256);
  const { latencyMs, queueMs, preparingMs } = overload.figures;
  assert.equal(latencyMs.samples.length, poissonArrivals(25, 1, 2, seededRandom(1)).length - 2);
  assert.ok(overload.waitingShare > 0 && overload.prepared.bundles > 0);
  for (const [i, ms] of latencyMs.samples.entries())
    assert.ok(ms > queueMs.samples[i] + preparingMs.samples[i] - 0.01);
});
