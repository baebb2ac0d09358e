import type { TopLevelSpec } from 'vega-lite';
import type { PaperRow } from '../paper/columns.ts';
import { PUBLISHED, SPHYNX_MACHINE } from '../paper/published.ts';
import { byNetwork, type Chart, PANEL, PANELS } from './chart.ts';
import type { Theme } from './theme.ts';

const PAPERS = "paper's latency and accuracy";
const MIXED = "latency here, paper's accuracy";
const OURS = 'latency and accuracy here';

interface Point {
  readonly whose: string;
  readonly method: string;
  readonly dataset: string;
  readonly accuracy: number;
  /** Online latency (s). */
  readonly online: number;
  readonly least?: number;
  readonly most?: number;
}

/** Accuracy against online latency without an emulated network. */
export function accuracyChart(rows: readonly PaperRow[]): Chart | undefined {
  const values = [...papersPoints(), ...ourPoints(rows)];
  if (values.every(({ whose }) => whose === PAPERS)) return undefined;
  return {
    name: 'accuracy',
    title: 'Accuracy against online latency',
    caption: `Left is faster, up is better. The papers' latencies: ${SPHYNX_MACHINE}; those on ImageNet are its estimates. Networks that are not trained here stand at the paper's accuracy; bars are the fastest and the slowest inference.`,
    spec: (theme) => specOf(values, theme),
  };
}

function papersPoints(): Point[] {
  return PUBLISHED.flatMap(({ method, dataset, accuracy, onlineMs, distilled }) =>
    accuracy !== undefined && onlineMs !== undefined && !distilled
      ? [{ whose: PAPERS, method, dataset, accuracy, online: onlineMs / 1000 }]
      : [],
  );
}

function ourPoints(rows: readonly PaperRow[]): Point[] {
  return rows
    .filter(({ entry }) => entry.network === 'loopback')
    .flatMap(({ entry, published: { method, dataset, accuracy: papers }, zoo }) => {
      const { median, min, max } = entry.figures.onlineMs;
      const times = { online: median / 1000, least: min / 1000, most: max / 1000 };
      const at = (whose: string, accuracy: number | undefined): Point[] =>
        accuracy === undefined ? [] : [{ whose, method, dataset, accuracy, ...times }];
      return [...at(MIXED, papers), ...at(OURS, zoo?.fixed ?? zoo?.float)];
    });
}

function specOf(values: readonly Point[], theme: Theme): TopLevelSpec {
  const x = {
    type: 'quantitative',
    scale: { type: 'log', nice: false, domain: [0.02, 40] as number[] },
  } as const;
  const y = {
    field: 'accuracy',
    type: 'quantitative',
    title: 'top-1 accuracy (%)',
    scale: { zero: false, nice: true, padding: 12 },
  } as const;
  const color = byNetwork(values, theme);
  const axis = { values: [0.03, 0.1, 0.3, 1, 3, 10, 30], format: '~g', labelFlush: false };
  return {
    data: { values: [...values] },
    facet: PANELS,
    spec: {
      ...PANEL,
      layer: [
        {
          transform: [{ filter: 'isValid(datum.least)' }],
          mark: { type: 'rule', strokeWidth: 1.5 },
          encoding: { x: { ...x, field: 'least' }, x2: { field: 'most' }, y, color },
        },
        {
          mark: { type: 'point', filled: true, size: 100, opacity: 0.9 },
          encoding: {
            x: { ...x, field: 'online', title: 'online latency (s)', axis },
            y,
            color,
            shape: {
              field: 'whose',
              type: 'nominal',
              title: 'point',
              scale: { domain: [PAPERS, MIXED, OURS], range: ['circle', 'diamond', 'triangle-up'] },
            },
          },
        },
      ],
    },
    resolve: { scale: { y: 'independent' } },
  };
}
