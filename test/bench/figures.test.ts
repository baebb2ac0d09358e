import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { fitGrowth } from '../../bench/report/growth-chart.ts';
import { spread } from '../../bench/statistics.ts';
import { chromeTrace, phasesOf } from '../../bench/trace.ts';
import type { LoggedStep } from '../../threads/node/trace-log.ts';

test('the median has equally many values above and below', () => {
  assert.deepEqual(spread([3, 1, 2]), { median: 2, min: 1, max: 3 });
  assert.deepEqual(spread([4, 1, 2, 3]), { median: 2.5, min: 1, max: 4 });
  assert.deepEqual(spread([7]), { median: 7, min: 7, max: 7 });
});

test('the fit finds the cost of a ReLU and of a product', () => {
  const cost = fc.double({ min: 0.01, max: 100, noNaN: true });
  fc.assert(
    fc.property(cost, cost, (perKiloRelu, perMegaMac) => {
      const sizes = [
        { relus: 25_600, macs: 140e6 },
        { relus: 614_400, macs: 8e9 },
        { relus: 345_000, macs: 3e9 },
      ];
      const times = sizes.map((size) => ({
        ...size,
        ms: (perKiloRelu * size.relus) / 1e3 + (perMegaMac * size.macs) / 1e6,
      }));
      const fit = fitGrowth(times);
      assert.ok(Math.abs(fit.perKiloRelu / perKiloRelu - 1) < 1e-6);
      assert.ok(Math.abs(fit.perMegaMac / perMegaMac - 1) < 1e-6);
    }),
  );
});

const step = (name: string, party: 'client' | 'server', at: number, ms: number): LoggedStep => ({
  ...{ name, party, at, ms, layer: 1, start: at, process: party === 'client' ? 1 : 2, thread: 3 },
});
const steps = [
  step('evaluate', 'client', 1000, 4),
  step('evaluate', 'client', 1010, 6),
  step('garble', 'server', 1002, 30),
];

test('phases are sums per run, the longest first', () => {
  assert.deepEqual(phasesOf(steps, 2), [
    { name: 'garble', party: 'server', ms: 15 },
    { name: 'evaluate', party: 'client', ms: 5 },
  ]);
});

test('a Chrome trace counts microseconds from the first step on and names both processes', () => {
  const { traceEvents } = chromeTrace(steps) as { traceEvents: Record<string, unknown>[] };
  const [first, second, evaluate] = traceEvents;
  assert.deepEqual(
    [first, second].map(({ ph, pid, args }) => [ph, pid, args]),
    [
      ['M', 1, { name: 'client' }],
      ['M', 2, { name: 'server' }],
    ],
  );
  assert.deepEqual(evaluate, {
    ...{ ph: 'X', name: 'evaluate', cat: 'client', pid: 1, tid: 3, ts: 0, dur: 4000, args: { layer: 1 } },
  });
  assert.equal(traceEvents[3].ts, 10_000);
});
