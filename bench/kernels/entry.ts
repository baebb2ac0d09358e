import { median } from '../statistics.ts';

/** One thing to measure: `run` does `units` of work in the kernel memory or with arrays of its own. */
export interface Entry {
  readonly name: string;
  /** What is counted, in the plural. */
  readonly unit: string;
  readonly units: number;
  /** Bytes that one run reads or writes as its product, where a rate in bytes says something. */
  readonly bytes?: number;
  /** Units per second that the design asks for. */
  readonly floor?: number;
  readonly run: () => void;
  /** The same thing in plain TypeScript, `units` of it per run, and whether both give the same. */
  readonly reference?: { readonly units: number; readonly run: () => void };
  /** Throws unless `run` does what its plain definition says. */
  readonly check: () => void;
}

/** An entry's figures. */
export interface KernelFigures {
  readonly name: string;
  readonly unit: string;
  readonly opsPerSecond: number;
  readonly bytesPerSecond: number | null;
  readonly reference: { readonly opsPerSecond: number } | null;
  /** How many times as fast as the reference. */
  readonly ratio: number | null;
  readonly floor: number | null;
  /** Units per second of every timed run. */
  readonly samples: readonly number[];
}

/** Timed runs, after those that warm up. */
const SAMPLES = 5;

/** Checks an entry, then measures it: `budgetMs` for each of its timed runs. */
export function measureEntry(entry: Entry, budgetMs: number): KernelFigures {
  entry.check();
  const samples = rates(entry.run, entry.units, budgetMs, SAMPLES);
  const opsPerSecond = median(samples);
  const reference = entry.reference && {
    opsPerSecond: median(rates(entry.reference.run, entry.reference.units, budgetMs, 1)),
  };
  return {
    name: entry.name,
    unit: entry.unit,
    opsPerSecond,
    bytesPerSecond: entry.bytes === undefined ? null : (opsPerSecond / entry.units) * entry.bytes,
    reference: reference ?? null,
    ratio: reference ? opsPerSecond / reference.opsPerSecond : null,
    floor: entry.floor ?? null,
    samples,
  };
}

/** Units per second, as often as `samples`, each over as many runs as fill the budget; finding that out warms up. */
function rates(run: () => void, units: number, budgetMs: number, samples: number): number[] {
  let runs = 1;
  let ms = time(run, 1);
  for (; ms < budgetMs / 4; ms = time(run, runs)) runs *= 2;
  runs = Math.max(1, Math.round((runs * budgetMs) / ms));
  return Array.from({ length: samples }, () => (runs * units * 1000) / time(run, runs));
}

function time(run: () => void, runs: number): number {
  const start = performance.now();
  for (let i = 0; i < runs; i++) run();
  return performance.now() - start;
}
