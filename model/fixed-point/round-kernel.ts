/** Taps of a kernel per input channel. */
export interface TapShape {
  readonly height: number;
  readonly width: number;
}

/** Share of an input's value that it has in common with one of its neighbours, by their distance along one axis. */
const LIKENESS = [1, 2 / 3, 1 / 3];

/** How much the mean of all inputs counts beside the windows. */
const MEAN_SHARE = 0.1;

/**
 * Sweeps over the weights: whether the mean counts, and the gain from which on a weight moves, in units of what one alone
 * costs. Large gains come first, and windows before the mean, because each move leaves less to the ones after it.
 */
const SWEEPS = [
  { mean: 0, least: 0.75 },
  { mean: 0, least: 0.5 },
  { mean: MEAN_SHARE, least: 1 },
  { mean: MEAN_SHARE, least: 0.75 },
  { mean: MEAN_SHARE, least: 0.5 },
];

/**
 * Rounds the weights of one output channel [inputs, height, width] to integers, some of them not to the nearest, so that
 * the output moves less. Tensors behind ReLUs and squares are not negative, and neighbours on a map are alike; so what
 * rounding adds to an output is mostly the sum of errors over small windows, and over all weights. The squares of these
 * sums are made small, weight by weight: sum e_i e_j K(i, j) + m (sum e_i)^2, where K is a product of two tents, the
 * sum over windows of 3 x 3 taps. Every weight is rounded down or up, and integers stay what they are: most of all
 * zeros, which a network may have for a reason.
 */
export function roundKernel(exact: Float64Array, { height, width }: TapShape, into: Int32Array): void {
  into.set(exact.map(Math.round));
  const errors = exact.map((value, i) => into[i] - value);
  const area = height * width;
  let total = errors.reduce((sum, error) => sum + error, 0);
  for (const { mean, least } of SWEEPS)
    for (let i = 0; i < exact.length; i++) {
      const gradient = alike(errors, i, area, width) + mean * total;
      const step = -Math.sign(gradient);
      if (Math.abs(gradient) <= least * (1 + mean)) continue;
      if (Number.isInteger(exact[i]) || Math.abs(errors[i] + step) >= 1) continue;
      into[i] += step;
      errors[i] += step;
      total += step;
    }
}

/** The sum of e_j K(i, j) over the taps of the same input. */
function alike(errors: Float64Array, i: number, area: number, width: number): number {
  if (area === 1) return errors[i];
  const first = i - (i % area);
  const [row, column] = [Math.floor((i - first) / width), (i % area) % width];
  const height = area / width;
  let sum = 0;
  for (let y = Math.max(0, row - 2); y <= Math.min(height - 1, row + 2); y++) {
    const share = LIKENESS[Math.abs(y - row)];
    for (let x = Math.max(0, column - 2); x <= Math.min(width - 1, column + 2); x++)
      sum += share * LIKENESS[Math.abs(x - column)] * errors[first + y * width + x];
  }
  return sum;
}
