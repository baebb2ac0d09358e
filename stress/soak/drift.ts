import { median } from '../../bench/statistics.ts';
import type { Holding } from '../cluster/processes.ts';

/** Resources of a process at some time after the start (ms). */
export interface Sample extends Holding {
  readonly at: number;
}

/** The drift of a quantity that should be constant: its medians over the first and the last part of the run. */
export interface Drift {
  readonly first: number;
  readonly last: number;
  /** 0.05 is 5 %. */
  readonly growth: number;
}

/** Share of the run in which processes fill their caches; it is not judged. */
export const WARM_UP = 0.2;

/** Share of the remaining time at its beginning and end, whose medians are compared. */
const PART = 0.2;

/**
 * Growth of memory that counts as a leak, if it exceeds the variation of an allocator's arenas in a small process
 * (bytes).
 */
export const MOST_GROWTH = 0.05;
const ARENA_BYTES = 2 ** 21;

/** Growth of descriptors that counts as a leak; the number in flight varies by this. */
export const MOST_DESCRIPTORS = 3;

/** Computes the drift of a run of `totalMs`. Throws a RangeError if a part has no sample. */
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

/** Whether a process leaks memory or descriptors. */
export function leaks(memory: Drift, descriptors: Drift): boolean {
  const grown = memory.growth >= MOST_GROWTH && memory.last - memory.first > ARENA_BYTES;
  return grown || descriptors.last > descriptors.first + MOST_DESCRIPTORS;
}
