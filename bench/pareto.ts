import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { parse, View } from 'vega';
import { compile, type TopLevelSpec } from 'vega-lite';
import type { Measurement } from './measure.ts';

/** A network's accuracy on CIFAR-100 (%) and what it costs. */
interface Point {
  readonly source: string;
  readonly name: string;
  readonly relus: number;
  readonly accuracy: number;
  readonly onlineMs?: number;
}

const PAPER = 'Sphynx paper, i9-10900X';
const OURS = 'here, private';

/** Table 3 of the Sphynx paper: C, D; ReLUs, accuracy, online latency. */
const PAPER_POINTS: readonly Point[] = (
  [
    ['5,5', 25_600, 66.13, 727],
    ['5,6', 30_720, 67.37, 861],
    ['5,8', 40_960, 68.23, 1105],
    ['5,10', 51_200, 69.57, 1335],
    ['7,10', 71_680, 71.06, 1805],
    ['10,10', 102_400, 72.9, 2385],
    ['15,15', 230_400, 74.93, 5120],
  ] as const
).map(([name, relus, accuracy, onlineMs]) => ({ source: PAPER, name, relus, accuracy, onlineMs }));

type Panel = Extract<TopLevelSpec, { hconcat: unknown }>['hconcat'][number];

/** Draws accuracy against ReLUs and against online latency: the paper's networks and those of `zoo`, a folder of models. */
export async function drawPareto(
  zoo: string,
  measurements: readonly Measurement[],
  file: string,
): Promise<void> {
  const values = [...PAPER_POINTS, ...zooPoints(zoo, measurements)];
  const panel = (field: 'relus' | 'onlineMs', title: string): Panel => ({
    width: 320,
    height: 280,
    transform: [{ filter: `isValid(datum.${field})` }],
    mark: { type: 'point', filled: true, size: 70 },
    encoding: {
      x: { field, type: 'quantitative', title, scale: { type: 'log' } },
      y: {
        field: 'accuracy',
        type: 'quantitative',
        title: 'CIFAR-100 accuracy (%)',
        scale: { zero: false },
      },
      color: { field: 'source', type: 'nominal', title: null, legend: { labelLimit: 300 } },
      tooltip: [{ field: 'name' }, { field: 'accuracy' }, { field }],
    },
  });
  const spec: TopLevelSpec = {
    background: 'white',
    data: { values },
    hconcat: [panel('relus', 'ReLUs'), panel('onlineMs', 'online latency (ms)')],
  };
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, await new View(parse(compile(spec).spec), { renderer: 'none' }).toSVG());
}

/** The zoo's models for CIFAR-100, with their online latency where it was measured. */
function zooPoints(zoo: string, measurements: readonly Measurement[]): Point[] {
  return readdirSync(zoo).flatMap((folder) => {
    const { name, dataset, relus } = JSON.parse(readFileSync(join(zoo, folder, 'manifest.json'), 'utf8'));
    if (dataset.name !== 'cifar100') return [];
    const { accuracy } = JSON.parse(readFileSync(join(zoo, folder, 'fixed-point.json'), 'utf8'));
    const measured = measurements.find(({ model }) => model === folder);
    return [{ source: OURS, name, relus, accuracy: accuracy.fixed, onlineMs: measured?.onlineMs.median }];
  });
}
