import type { TopLevelSpec } from 'vega-lite';
import { type LoadEntry, MOST_WAITING, percentile } from '../load/entry.ts';
import type { Chart } from './chart.ts';

const PERCENTILES: Record<string, number> = { '50 %': 0.5, '95 %': 0.95, '99 %': 0.99 };

/** Latency of requests that arrive at random, and how many waited for a bundle. */
export function loadChart(entries: readonly LoadEntry[]): Chart | undefined {
  if (entries.length === 0) return undefined;
  const latencies = entries.flatMap(({ model, network, rate, figures }) =>
    Object.entries(PERCENTILES).map(([requests, share]) => ({
      ...{ study: `${model} over ${network}`, rate, requests },
      seconds: percentile(figures.latencyMs.samples, share) / 1000,
    })),
  );
  const waiting = entries.map(({ model, network, rate, waitingShare }) => ({
    ...{ study: `${model} over ${network}`, rate, waiting: 100 * waitingShare },
  }));
  return {
    name: 'load',
    title: 'Requests that arrive at random',
    caption: `Poisson arrivals at a client whose pool of bundles is refilled in the background: the latency that so many of the requests kept to, and the share that had to wait for a bundle. A rate is sustained up to the dashed line (${100 * MOST_WAITING} %).`,
    spec: () => specOf(latencies, waiting),
  };
}

function specOf(latencies: readonly object[], waiting: readonly object[]): TopLevelSpec {
  const x = {
    field: 'rate',
    type: 'quantitative',
    title: 'requests per second',
    scale: { zero: true },
    axis: { format: '~g' },
  } as const;
  const strokeDash = { field: 'study', type: 'nominal', title: 'study' } as const;
  const panel = { width: 380, height: 260 } as const;
  return {
    hconcat: [
      {
        ...panel,
        data: { values: [...latencies] },
        mark: { type: 'line', point: { filled: true, size: 50 } },
        encoding: {
          x,
          y: {
            field: 'seconds',
            type: 'quantitative',
            title: 'latency (s)',
            scale: { type: 'log' },
            axis: { values: [0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 50, 100], format: '~g' },
          },
          color: { field: 'requests', type: 'nominal', title: 'requests' },
          strokeDash,
        },
      },
      {
        ...panel,
        layer: [
          {
            data: { values: [...waiting] },
            mark: { type: 'line', point: { filled: true, size: 50 } },
            encoding: {
              x,
              y: {
                field: 'waiting',
                type: 'quantitative',
                title: 'waited for a bundle (%)',
                scale: { domain: [0, 100] },
              },
              strokeDash,
            },
          },
          {
            data: { values: [{}] },
            mark: { type: 'rule', strokeDash: [4, 4] },
            encoding: { y: { datum: 100 * MOST_WAITING } },
          },
        ],
      },
    ],
  };
}
