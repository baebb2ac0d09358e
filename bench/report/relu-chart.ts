import type { TopLevelSpec } from 'vega-lite';
import { PUBLISHED } from '../paper/published.ts';
import type { ZooAccuracy } from '../paper/zoo-accuracy.ts';
import { byNetwork, type Chart, PANEL, PANELS } from './chart.ts';
import type { Theme } from './theme.ts';

const PAPERS = 'of the papers';
const OURS = 'trained here';

/** Accuracy against the ReLUs of one inference, which its online latency follows. */
export function reluChart(zoo: readonly ZooAccuracy[]): Chart | undefined {
  if (zoo.length === 0) return undefined;
  const papers = PUBLISHED.flatMap(({ method, dataset, kiloRelus, accuracy, distilled }) =>
    kiloRelus !== undefined && accuracy !== undefined && !distilled
      ? [{ whose: PAPERS, method, dataset, kiloRelus, accuracy }]
      : [],
  );
  const ours = zoo.map(({ method, dataset, relus, float, fixed }) => ({
    ...{ whose: OURS, method, dataset, kiloRelus: relus / 1000, accuracy: fixed ?? float },
  }));
  return {
    name: 'relus',
    title: 'Accuracy against ReLUs',
    caption:
      "Left costs less, up is better. The networks of the papers as they print them, and those of `model-zoo/` in private inference's integers, which were trained for a fraction of the epochs.",
    spec: (theme) => specOf([...papers, ...ours], theme),
  };
}

function specOf(values: readonly { readonly method: string }[], theme: Theme): TopLevelSpec {
  return {
    data: { values: [...values] },
    facet: PANELS,
    spec: {
      ...PANEL,
      mark: { type: 'point', filled: true, size: 100, opacity: 0.9 },
      encoding: {
        x: {
          ...{ field: 'kiloRelus', type: 'quantitative', title: 'thousand ReLUs' },
          scale: { type: 'log', nice: false, padding: 12 },
          axis: { values: [10, 30, 100, 300, 1000, 3000], format: '~g', labelFlush: false },
        },
        y: {
          ...{ field: 'accuracy', type: 'quantitative', title: 'top-1 accuracy (%)' },
          scale: { zero: false, nice: true, padding: 12 },
        },
        color: byNetwork(values, theme),
        shape: {
          ...{ field: 'whose', type: 'nominal', title: 'point' },
          scale: { domain: [PAPERS, OURS], range: ['circle', 'triangle-up'] },
        },
      },
    },
    resolve: { scale: { x: 'independent', y: 'independent' } },
  };
}
