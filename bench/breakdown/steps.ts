import type { LoggedStep } from '../../threads/node/trace-log.ts';

export const PARTIES = ['client', 'server'] as const;

/** One preparation or inference: when it was requested and answered (ms since the epoch), and its steps. */
export interface Operation {
  readonly start: number;
  readonly end: number;
  readonly steps: readonly LoggedStep[];
}

/** Assigns the steps to the operation during which they began; operations do not overlap. */
export function operationsOf(
  times: readonly Pick<Operation, 'start' | 'end'>[],
  steps: readonly LoggedStep[],
): Operation[] {
  return times.map(({ start, end }) => ({
    start,
    end,
    steps: steps.filter(({ at }) => at >= start && at < end),
  }));
}

/** Returns the time during which at least one of the steps ran (ms). */
export function busyMs(steps: readonly Pick<LoggedStep, 'at' | 'ms'>[]): number {
  let [sum, end] = [0, Number.NEGATIVE_INFINITY];
  for (const { at, ms } of [...steps].sort((a, b) => a.at - b.at)) {
    sum += Math.max(0, at + ms - Math.max(at, end));
    end = Math.max(end, at + ms);
  }
  return sum;
}

/**
 * Computes the time of each operation (ms), in total and by party and step: 'total ms', 'client evaluate ms', ..., and
 * 'client waiting ms', in which the party's thread ran no step: messages, disk, and work that is not traced.
 */
export function figuresOf(operations: readonly Operation[]): Record<string, number[]> {
  const figures: Record<string, number[]> = { 'total ms': operations.map(({ start, end }) => end - start) };
  const all = operations.flatMap(({ steps }) => steps);
  for (const party of PARTIES) {
    const own = operations.map(({ steps }) => steps.filter((step) => step.party === party));
    for (const step of new Set(all.filter((step) => step.party === party).map(({ name }) => name)))
      figures[`${party} ${step} ms`] = own.map((steps) =>
        steps.filter(({ name }) => name === step).reduce((sum, { ms }) => sum + ms, 0),
      );
    figures[`${party} waiting ms`] = operations.map(({ start, end }, i) => end - start - busyMs(own[i]));
  }
  return figures;
}

/** Returns the operation of median length. */
export function typical(operations: readonly Operation[]): Operation {
  const sorted = [...operations].sort((a, b) => a.end - a.start - (b.end - b.start));
  return sorted[(sorted.length - 1) >> 1];
}
