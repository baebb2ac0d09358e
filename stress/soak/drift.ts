import { median } from '../../bench/statistics.ts';
import type { Holding } from '../cluster/processes.ts';

/** What a process held at some time after the start (ms). */
export interface Sample extends Holding {
  readonly at: number;
}

/** How a quantity moved while nothing should have moved it: its medians over the first and the last part of the time. */
export interface Drift {
  readonly first: number;
  readonly last: number;
  /** 0.05 is 5 %. */
  readonly growth: number;
}

/** Part of the time in which processes fill their caches; not judged. */
export const WARM_UP = 0.2;

/** Part of the remaining time at its beginning, and at its end, of which medians are compared. */
const PART = 0.2;

/** Growth of memory that counts as a leak, if it is more than an allocator's arenas move by in a small process (bytes). */
export const MOST_GROWTH = 0.05;
const ARENA_BYTES = 2 ** 21;

/** Descriptors more than at first that do: what is in flight varies by this. */
export const MOST_DESCRIPTORS = 3;

/** Of a run of `totalMs`. Throws a RangeError if a part holds no sample. */
export function driftOf(samples: readonly Sample[], totalMs: number, what: keyof Holding): Drift {
  const start = WARM_UP * totalMs;
  const part = PART * (totalMs - start);
  const middle = (from: number, to: number) => {
    const values = samples.filter(({ at }) => at >= from && at <= to).map((sample) => sample[what]);
    if (values.length === 0) throw new RangeError('no sample in a part of the run');
    return median(values);
  };
  const [first, last] = [middle(start, start + part), middle(totalMs - part, totalMs)];
  return { first, last, growth: last / first - 1 };
}

/** Whether a process keeps more and more. */
export function leaks(memory: Drift, descriptors: Drift): boolean {
  const grown = memory.growth >= MOST_GROWTH && memory.last - memory.first > ARENA_BYTES;
  return grown || descriptors.last > descriptors.first + MOST_DESCRIPTORS;
}
