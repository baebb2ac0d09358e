import type { TopLevelSpec } from 'vega-lite';
import { networkName, type PaperRow } from '../paper/columns.ts';
import type { Sampled } from '../results.ts';
import type { Chart } from './chart.ts';

/** Plots online and offline time of every network by network profile. */
export function latencyChart(rows: readonly PaperRow[]): Chart | undefined {
  if (rows.length === 0) return undefined;
  const values = rows.flatMap(({ entry, published }) => {
    const row = {
      name: networkName(published, entry.name),
      relus: entry.relus,
      network: entry.network,
    };
    const panel = (phase: string, { median, min, max }: Sampled) => ({
      ...row,
      phase,
      median: median / 1000,
      min: min / 1000,
      max: max / 1000,
    });
    const { onlineMs, offlineMs } = entry.figures;
    return [panel(ONLINE, onlineMs), panel(OFFLINE, offlineMs)];
  });
  const networks = [...new Set(rows.map(({ entry }) => entry.network))];
  return {
    name: 'latency',
    title: 'Time by network profile',
    caption:
      'Medians, with lines from the fastest to the slowest run; networks by their ReLUs. Left: the time that a user waits. Right: the preparation ahead of time.',
    spec: () => specOf(values, networks),
  };
}

const ONLINE = 'online, per image';
const OFFLINE = 'offline, per bundle';

function specOf(values: readonly object[], networks: readonly string[]): TopLevelSpec {
  const y = {
    field: 'name',
    type: 'nominal',
    title: null,
    sort: { field: 'relus', op: 'min' },
    axis: { grid: true },
  } as const;
  const color = {
    field: 'network',
    type: 'nominal',
    title: 'over',
    scale: { domain: [...networks] },
  } as const;
  const x = { type: 'quantitative', scale: { type: 'log' } } as const;
  const axis = { values: [0.01, 0.03, 0.1, 0.3, 1, 3, 10, 30, 100, 300], format: '~g' };
  return {
    data: { values: [...values] },
    hconcat: [ONLINE, OFFLINE].map((phase, i) => ({
      width: 380,
      height: { step: 20 },
      title: phase,
      transform: [{ filter: { field: 'phase', equal: phase } }],
      layer: [
        {
          mark: { type: 'rule', strokeWidth: 2, opacity: 0.6 },
          encoding: { x: { ...x, field: 'min' }, x2: { field: 'max' }, y, color },
        },
        {
          mark: { type: 'point', filled: true, size: 60, opacity: 1 },
          encoding: {
            x: { ...x, field: 'median', title: 'time (s)', axis },
            y: i === 0 ? y : { ...y, axis: { grid: true, labels: false, ticks: false } },
            color,
          },
        },
      ],
    })),
  };
}
