import type { TopLevelSpec } from 'vega-lite';
import { type LoadEntry, MOST_WAITING, percentile } from '../load/entry.ts';
import type { Chart } from './chart.ts';

const PERCENTILES: Record<string, number> = { p50: 0.5, p90: 0.9, p99: 0.99 };

/** Plots the latency of requests at random times, and how many waited for a bundle. */
export function loadChart(entries: readonly LoadEntry[]): Chart | undefined {
  if (entries.length === 0) return undefined;
  const studyOf = ({ model, network, relus, macs, pool }: LoadEntry) =>
    `${model} over ${network}: ${(relus / 1e3).toFixed(1)}K ReLUs, ${(macs / 1e6).toFixed(0)}M MACs, pool of ${pool}`;
  const latencies = entries.flatMap((entry) =>
    Object.entries(PERCENTILES).map(([name, share]) => ({
      ...{ study: studyOf(entry), rate: entry.rate, percentile: name },
      seconds: percentile(entry.figures.latencyMs.samples, share) / 1000,
    })),
  );
  const waiting = entries.map((entry) => ({
    ...{ study: studyOf(entry), rate: entry.rate, waiting: 100 * entry.waitingShare },
  }));
  const counts = entries.map(({ figures }) => figures.latencyMs.samples.length);
  return {
    name: 'load',
    title: 'Requests at random times',
    caption: `Poisson arrivals at a client that answers them one at a time and refills its pool of bundles in the background: latency from arrival to answer, and the share of the requests that had to wait for a bundle. ${Math.min(...counts)} to ${Math.max(...counts)} requests per point. A rate is sustained up to the dashed line (${100 * MOST_WAITING} %).`,
    spec: () => specOf(latencies, waiting),
  };
}

function specOf(latencies: readonly object[], waiting: readonly object[]): TopLevelSpec {
  const x = {
    field: 'rate',
    type: 'quantitative',
    title: 'requests per second',
    scale: { zero: true },
  } as const;
  const color = {
    field: 'study',
    type: 'nominal',
    title: null,
    sort: null,
    legend: { orient: 'bottom', columns: 1, labelLimit: 0, symbolType: 'circle' },
  } as const;
  const panel = { width: 400, height: 280 } as const;
  return {
    hconcat: [
      {
        ...panel,
        data: { values: [...latencies] },
        encoding: {
          x,
          y: {
            field: 'seconds',
            type: 'quantitative',
            title: 'latency (s)',
            scale: { type: 'log', nice: false, padding: 8 },
            axis: { values: [0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 50, 100], format: '~g' },
          },
          color,
        },
        layer: [
          {
            mark: 'line',
            encoding: {
              strokeDash: {
                field: 'percentile',
                type: 'nominal',
                title: null,
                scale: {
                  domain: Object.keys(PERCENTILES),
                  range: [
                    [1, 0],
                    [7, 4],
                    [2, 3],
                  ],
                },
                legend: { orient: 'top', symbolSize: 600 },
              },
            },
          },
          { mark: { type: 'point', filled: true, size: 45, opacity: 1 } },
        ],
      },
      {
        ...panel,
        layer: [
          {
            data: { values: [...waiting] },
            mark: { type: 'line', point: { filled: true, size: 45 } },
            encoding: {
              x,
              y: {
                field: 'waiting',
                type: 'quantitative',
                title: 'waited for a bundle (%)',
                scale: { domain: [0, 100] },
              },
              color,
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
