import { median } from '../statistics.ts';

/** One benchmark: `run` does `units` of work in the kernel memory or with its own arrays. */
export interface Entry {
  readonly name: string;
  /** Name of the units, in the plural. */
  readonly unit: string;
  readonly units: number;
  /** Bytes that one run reads or writes, if a rate in bytes is meaningful. */
  readonly bytes?: number;
  /** Design target (units per second). */
  readonly floor?: number;
  readonly run: () => void;
  /** The same computation in plain TypeScript, `units` per run. */
  readonly reference?: { readonly units: number; readonly run: () => void };
  /** Throws unless `run` agrees with its plain definition. */
  readonly check: () => void;
}

/** An entry's figures. */
export interface KernelFigures {
  readonly name: string;
  readonly unit: string;
  readonly opsPerSecond: number;
  readonly bytesPerSecond: number | null;
  readonly reference: { readonly opsPerSecond: number } | null;
  /** Speed-up over the reference. */
  readonly ratio: number | null;
  readonly floor: number | null;
  /** Units per second of every timed run. */
  readonly samples: readonly number[];
}

/** Number of timed runs, after warm-up. */
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

/**
 * Measures units per second `samples` times, each over as many runs as fill the budget; calibrating this number warms
 * up.
 */
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
