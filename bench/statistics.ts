/** What is said of repeated timings. */
export interface Spread {
  readonly median: number;
  readonly min: number;
  readonly max: number;
}

/** Of at least one value, rounded to microseconds where values are milliseconds. */
export function spread(values: readonly number[]): Spread {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = (sorted[(sorted.length - 1) >> 1] + sorted[sorted.length >> 1]) / 2;
  const rounded = (value: number) => Math.round(1000 * value) / 1000;
  return { median: rounded(middle), min: rounded(sorted[0]), max: rounded(sorted[sorted.length - 1]) };
}
