/** How long a transfer takes that went on at the same pace as so far. */

/** What passes before a pace can be told (ms, and share of the whole). */
const LEAST = { ms: 400, share: 0.02 };

/** Time left (ms) after `ms` for `done` of `all` bytes; undefined while it is too early to say. */
export function timeLeft(ms: number, done: number, all: number): number | undefined {
  if (ms < LEAST.ms || done < LEAST.share * all) return undefined;
  return (ms * (all - done)) / done;
}
