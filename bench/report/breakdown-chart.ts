import type { TopLevelSpec } from 'vega-lite';
import type { BreakdownEntry } from '../breakdown/entry.ts';
import type { Chart } from './chart.ts';

/** The steps of one run of both parties, along time. */
export function breakdownChart(entry: BreakdownEntry): Chart {
  const { model, phase, network, timeline } = entry;
  const values = timeline.steps.map(({ party, name, layer, start, ms }) => ({
    ...{ party, step: name, layer, start, end: start + ms },
  }));
  return {
    name: `breakdown-${phase}-${model}-${network}`.replaceAll(/[^\w-]+/g, '-'),
    title: `One ${phase}, step by step: ${model} over ${network}`,
    caption: `The run of median length, ${timeline.ms.toFixed(1)} ms. A bar is work of one thread without a pause; between the bars a party waits for the other, the network or the disk.`,
    spec: () => specOf(values),
  };
}

function specOf(values: readonly object[]): TopLevelSpec {
  return {
    data: { values: [...values] },
    facet: {
      row: { field: 'party', type: 'nominal', title: null, header: { labelAngle: 0, labelAlign: 'left' } },
    },
    spec: {
      width: 820,
      height: { step: 20 },
      mark: { type: 'bar', height: 14, minBandSize: 1 },
      encoding: {
        x: { field: 'start', type: 'quantitative', title: 'time since the request (ms)' },
        x2: { field: 'end' },
        y: {
          field: 'step',
          type: 'nominal',
          title: null,
          sort: { field: 'start', op: 'min' },
          axis: { grid: true },
        },
        color: { field: 'party', type: 'nominal', legend: null },
      },
    },
    resolve: { scale: { y: 'independent' } },
  };
}
