import type { TopLevelSpec } from 'vega-lite';
import { NO_LAYER } from '../../protocol/trace.ts';
import { type BreakdownEntry, type StepFigure, stepFigures } from '../breakdown/entry.ts';
import { PARTIES } from '../breakdown/steps.ts';
import type { Chart } from './chart.ts';

type Panel = Extract<TopLevelSpec, { vconcat: unknown }>['vconcat'][number];

const WIDTH = 820;
const ROW = 20;

/** Narrower steps would not be seen (pixels). */
const LEAST_BAR = 1;

/** The steps of one run of both parties along time, coloured by layer, with the medians of all runs. */
export function breakdownChart(entry: BreakdownEntry): Chart {
  const { model, phase, network, figures } = entry;
  const total = figures['total ms'];
  const computing = PARTIES.map(
    (party) => `the ${party} computes ${time(total.median - figures[`${party} waiting ms`].median)}`,
  );
  return {
    name: `breakdown-${phase}-${model}-${network}`.replaceAll(/[^\w-]+/g, '-'),
    title: `One ${phase}, step by step: ${model} over ${network}`,
    caption: `Median ${time(total.median)} (${time(total.min)} to ${time(total.max)}) from the call to its result, in ${total.samples.length} runs; of it ${computing.join(', ')}. Beside each row its median per run; the bars are the run of median length. A bar is work of one thread without a pause; between the bars a party waits for the other, the network or the disk.`,
    spec: () => ({
      spacing: 8,
      vconcat: PARTIES.map((party) =>
        panel(
          entry,
          stepFigures(entry).filter((row) => row.party === party),
        ),
      ),
    }),
  };
}

function panel({ timeline }: BreakdownEntry, all: readonly StepFigure[]): Panel {
  const rows = all.filter(({ step }) => step !== 'waiting');
  const { party } = all[0];
  const last = party === PARTIES.at(-1);
  const least = (LEAST_BAR * timeline.ms) / WIDTH;
  const values = timeline.steps
    .filter((step) => step.party === party)
    .map(({ name, layer, start, ms }) => ({
      ...{ row: labelOf(rows, name), layer, start, end: start + Math.max(ms, least) },
    }));
  return {
    width: WIDTH,
    height: ROW * rows.length,
    data: { values },
    mark: { type: 'bar', height: ROW - 5 },
    encoding: {
      x: {
        field: 'start',
        type: 'quantitative',
        scale: { domain: [0, timeline.ms], nice: false },
        axis: { title: last ? 'time since the call (ms)' : null, labels: last, ticks: last },
      },
      x2: { field: 'end' },
      y: {
        field: 'row',
        type: 'nominal',
        title: party,
        sort: { field: 'start', op: 'min' },
        axis: { grid: true, ticks: false, minExtent: LABELS, maxExtent: LABELS },
      },
      color: {
        field: 'layer',
        type: 'ordinal',
        title: 'layer',
        scale: { scheme: 'turbo' },
        legend: { labelExpr: `datum.value === ${NO_LAYER} ? 'none' : datum.label` },
      },
    },
  };
}

/** Room for the rows' labels (pixels), the same in both panels. */
const LABELS = 190;

function labelOf(rows: readonly StepFigure[], name: string): string {
  const row = rows.find(({ step }) => step === name);
  return row === undefined ? name : `${name}, ${time(row.figure.median)}`;
}

function time(ms: number): string {
  return `${ms < 10 ? ms.toFixed(1) : ms.toFixed(0)} ms`;
}
