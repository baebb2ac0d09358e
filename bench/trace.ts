import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { LoggedStep } from '../threads/node/trace-log.ts';

/** Time that one kind of step took per bundle or inference (ms). */
export interface Phase {
  readonly name: string;
  readonly party: 'client' | 'server';
  readonly ms: number;
}

/** Reads all steps that the threads of both parties wrote into `folder`, in order. */
export function readSteps(folder: string): LoggedStep[] {
  const lines = globSync(join(folder, '*.ndjson')).flatMap((file) =>
    readFileSync(file, 'utf8').trimEnd().split('\n'),
  );
  return lines.map((line) => JSON.parse(line) as LoggedStep).sort((a, b) => a.at - b.at);
}

/** Returns the total time of the steps of each name, divided by `runs`, longest first. */
export function phasesOf(steps: readonly LoggedStep[], runs: number): Phase[] {
  const sums = new Map<string, Phase>();
  for (const { name, party, ms } of steps) {
    const key = `${party} ${name}`;
    const before = sums.get(key)?.ms ?? 0;
    sums.set(key, { name, party, ms: before + ms / runs });
  }
  return [...sums.values()].sort((a, b) => b.ms - a.ms);
}

/**
 * Converts the steps to Chrome's trace event format (chrome://tracing, Perfetto), with times relative to the first
 * step.
 */
export function chromeTrace(steps: readonly LoggedStep[]): unknown {
  const start = steps[0]?.at ?? 0;
  const names = new Map(steps.map(({ party, process }) => [process, party]));
  return {
    displayTimeUnit: 'ms',
    traceEvents: [
      ...[...names].map(([pid, name]) => ({ ph: 'M', name: 'process_name', pid, args: { name } })),
      ...steps.map(({ name, layer, at, ms, party, process: pid, thread: tid }) => ({
        ...{ ph: 'X', name, cat: party, pid, tid },
        ...{ ts: 1000 * (at - start), dur: 1000 * ms, args: { layer } },
      })),
    ],
  };
}
