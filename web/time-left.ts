/** Estimates the time left of a transfer from its average rate so far. */

/** Time and share that must pass before the rate can be estimated (ms, fraction). */
const LEAST = { ms: 400, share: 0.02 };

/** Returns the time left (ms) after `ms` for `done` of `all` bytes; undefined while it is too early to estimate. */
export function timeLeft(ms: number, done: number, all: number): number | undefined {
  if (ms < LEAST.ms || done < LEAST.share * all) return undefined;
  return (ms * (all - done)) / done;
}
