import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse, View } from 'vega';
import { compile, type TopLevelSpec } from 'vega-lite';
import { type Machine, thisMachine } from './machine.ts';
import { type Measurement, type MeasureOptions, measure } from './measure.ts';

/** The networks over which cost must grow linearly, with the paper's online latency on an i9-10900X (ms). */
export const GROWTH_NETWORKS: Record<string, number> = {
  'sphynx:5,5,0+1': 727,
  'sphynx:5,10,0+5': 1335,
  'sphynx:10,10,0+5': 2385,
  'sphynx:15,15,2+6': 5120,
  'sphynx:15,10,0+5@64': 12548,
  'sphynx:20,10,1+5@224': 7340,
};

/** ms per thousand ReLUs and per million multiply-accumulates: t = relus * r + macs * m. */
export interface Fit {
  readonly perKiloRelu: number;
  readonly perMegaMac: number;
}

export interface Growth {
  readonly machine: Machine;
  readonly online: Fit;
  readonly offline: Fit;
  readonly measurements: readonly Measurement[];
}

/** Measures the networks and writes growth.json and growth.svg into `folder`. */
export async function measureGrowth(folder: string, options: MeasureOptions): Promise<Growth> {
  const measurements: Measurement[] = [];
  for (const name of Object.keys(GROWTH_NETWORKS))
    measurements.push((await measure(name, options)).measurement);
  const growth = {
    machine: thisMachine(),
    online: fitGrowth(measurements, ({ onlineMs }) => onlineMs.median),
    offline: fitGrowth(measurements, ({ offlineMs }) => offlineMs.median),
    measurements,
  };
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, 'growth.json'), `${JSON.stringify(growth, null, 2)}\n`);
  await redrawGrowth(folder);
  return growth;
}

/** Draws growth.svg anew from growth.json. */
export async function redrawGrowth(folder: string): Promise<void> {
  const growth = JSON.parse(readFileSync(join(folder, 'growth.json'), 'utf8')) as Growth;
  writeFileSync(join(folder, 'growth.svg'), await drawGrowth(growth));
}

/** Least squares of the relative errors, so that small networks count as much as large ones. */
export function fitGrowth(
  measurements: readonly Pick<Measurement, 'relus' | 'macs'>[],
  timeOf: (measurement: Measurement) => number,
): Fit {
  let [xx, xy, yy, x, y] = [0, 0, 0, 0, 0];
  for (const measurement of measurements) {
    const time = timeOf(measurement as Measurement);
    const [relus, macs] = [measurement.relus / 1e3 / time, measurement.macs / 1e6 / time];
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

async function drawGrowth({ online, offline, measurements }: Growth): Promise<string> {
  const expected = (fit: Fit, { relus, macs }: Measurement) =>
    (fit.perKiloRelu * relus) / 1e3 + (fit.perMegaMac * macs) / 1e6;
  const points = measurements.map((measurement) => ({
    network: measurement.model.replace('sphynx:', ''),
    relus: measurement.relus / 1e3,
    onlineMs: measurement.onlineMs.median,
    onlineFit: expected(online, measurement),
    offlineS: measurement.offlineMs.median / 1e3,
    offlineFit: expected(offline, measurement) / 1e3,
    offlineMB: total(measurement.offlineBytes),
    onlineMB: total(measurement.onlineBytes),
  }));
  const describe = (phase: string, fit: Fit) =>
    `${phase}: ${fit.perKiloRelu.toFixed(2)} ms per 1,000 ReLUs + ${fit.perMegaMac.toFixed(3)} ms per 10⁶ products`;
  const spec: TopLevelSpec = {
    $schema: 'https://vega.github.io/schema/vega-lite/v6.json',
    background: 'white',
    data: { values: points },
    columns: 2,
    concat: [
      panel(
        'onlineFit',
        'onlineMs',
        'online, expected (ms)',
        'online, median (ms)',
        describe('online', online),
      ),
      panel(
        'offlineFit',
        'offlineS',
        'offline, expected (s)',
        'offline, median (s)',
        describe('offline', offline),
      ),
      panel('relus', 'offlineMB', 'thousand ReLUs', 'offline, both directions (MB)', 'bytes offline'),
      panel('relus', 'onlineMB', 'thousand ReLUs', 'online, both directions (MB)', 'bytes online'),
    ],
    resolve: { scale: { color: 'shared' } },
  };
  const view = new View(parse(compile(spec).spec), { renderer: 'none' });
  return view.toSVG();
}

type Panel = Extract<TopLevelSpec, { concat: unknown }>['concat'][number];

/** Measured against expected or against ReLUs, both logarithmic; the line is y proportional to x through the middle. */
function panel(x: string, y: string, xTitle: string, yTitle: string, title: string): Panel {
  const at = (field: string, axisTitle: string) =>
    ({ field, type: 'quantitative', title: axisTitle, scale: { type: 'log' } }) as const;
  return {
    width: 300,
    height: 240,
    title: { text: title, fontSize: 11 },
    layer: [
      {
        transform: [{ regression: y, on: x, method: 'pow' }],
        mark: { type: 'line', color: '#bbb' },
        encoding: { x: at(x, xTitle), y: at(y, yTitle) },
      },
      {
        mark: { type: 'point', filled: true, size: 70 },
        encoding: {
          x: at(x, xTitle),
          y: at(y, yTitle),
          color: { field: 'network', type: 'nominal', sort: null, title: 'C, D, reduce cells' },
        },
      },
    ],
  };
}

function total({ up, down }: { up: number; down: number }): number {
  return (up + down) / 1e6;
}
