/**
 * Returns the arrival times of a Poisson process: independent exponential gaps with a mean of 1/rate. Times are
 * milliseconds from 0, ascending: first `before` arrivals, which find a full pool, and then those of `seconds` more.
 * `rate`: requests per second; `random`: uniform in [0, 1).
 */
export function poissonArrivals(
  rate: number,
  seconds: number,
  before: number,
  random: () => number,
): number[] {
  const arrivals: number[] = [];
  let end = Number.POSITIVE_INFINITY;
  let now = 0;
  for (;;) {
    if (arrivals.length === before) end = now + 1000 * seconds;
    now += (-1000 * Math.log(1 - random())) / rate;
    if (now >= end) return arrivals;
    arrivals.push(now);
  }
}
