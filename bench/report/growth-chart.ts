import type { TopLevelSpec } from 'vega-lite';
import type { PaperRow } from '../paper/columns.ts';
import type { Chart } from './chart.ts';

/** ms per thousand ReLUs and per million multiply-accumulates: t = relus * r + macs * m. */
export interface Fit {
  readonly perKiloRelu: number;
  readonly perMegaMac: number;
}

/** Smallest number of networks for a fit of two costs. */
const LEAST_NETWORKS = 4;

/** Plots measured times against times predicted from costs per ReLU and per product, without an emulated network. */
export function growthChart(rows: readonly PaperRow[]): Chart | undefined {
  const local = rows.filter(({ entry }) => entry.network === 'loopback');
  if (local.length < LEAST_NETWORKS) return undefined;
  const panels = (['onlineMs', 'offlineMs'] as const).map((figure) => {
    const sizes = local.map(({ entry: { relus, macs, figures } }) => ({
      ...{ relus, macs, ms: figures[figure].median },
    }));
    return { figure, fit: fitGrowth(sizes) };
  });
  const values = local.flatMap(({ entry, published: { method } }) =>
    panels.map(({ figure, fit }) => ({
      ...{ method: method.startsWith('HRN') ? 'HybReNet' : method, figure },
      expected: (fit.perKiloRelu * entry.relus + (fit.perMegaMac * entry.macs) / 1e3) / 1e6,
      measured: entry.figures[figure].median / 1e3,
    })),
  );
  const costs = panels.map(
    ({ figure, fit }) =>
      `${figure === 'onlineMs' ? 'online' : 'offline'} ${fit.perKiloRelu.toFixed(2)} ms per 1,000 ReLUs and ${fit.perMegaMac.toFixed(3)} ms per million products`,
  );
  return {
    name: 'growth',
    title: 'Time grows with ReLUs and products',
    caption: `Every network's median time against its prediction from common costs per ReLU and per product: ${costs.join(', ')} (least squares of the relative errors). Networks on the line are as predicted.`,
    spec: () => specOf(values),
  };
}

/** Fits least squares of the relative errors, so that small networks count as much as large ones. */
export function fitGrowth(
  sizes: readonly { readonly relus: number; readonly macs: number; readonly ms: number }[],
): Fit {
  let [xx, xy, yy, x, y] = [0, 0, 0, 0, 0];
  for (const size of sizes) {
    const [relus, macs] = [size.relus / 1e3 / size.ms, size.macs / 1e6 / size.ms];
    xx += relus * relus;
    xy += relus * macs;
    yy += macs * macs;
    x += relus;
    y += macs;
  }
  const determinant = xx * yy - xy * xy;
  return {
    perKiloRelu: (x * yy - y * xy) / determinant,
    perMegaMac: (y * xx - x * xy) / determinant,
  };
}

function specOf(values: readonly object[]): TopLevelSpec {
  const axis = { values: [0.01, 0.03, 0.1, 0.3, 1, 3, 10, 30, 100], format: '~g' };
  const at = (field: string, title: string) =>
    ({
      field,
      title,
      type: 'quantitative',
      scale: { type: 'log' },
      axis,
    }) as const;
  return {
    data: { values: [...values] },
    hconcat: (
      [
        ['onlineMs', 'online'],
        ['offlineMs', 'offline'],
      ] as const
    ).map(([figure, title]) => ({
      ...{ width: 340, height: 300, title },
      transform: [{ filter: { field: 'figure', equal: figure } }],
      layer: [
        {
          mark: { type: 'line', strokeDash: [4, 4], strokeWidth: 1.5, color: '#8a94a0' },
          encoding: { x: at('expected', 'expected (s)'), y: at('expected', 'median (s)') },
        },
        {
          mark: { type: 'point', filled: true, size: 80, opacity: 0.9 },
          encoding: {
            x: at('expected', 'expected (s)'),
            y: at('measured', 'median (s)'),
            color: { field: 'method', type: 'nominal', sort: null, title: 'network' },
          },
        },
      ],
    })),
  };
}
