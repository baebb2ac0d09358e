/** Taps of a kernel per input channel. */
export interface TapShape {
  readonly height: number;
  readonly width: number;
}

/** Correlation of an input's value with that of a neighbour, by their distance along one axis. */
const LIKENESS = [1, 2 / 3, 1 / 3];

/** Weight of the mean of all inputs, relative to the windows. */
const MEAN_SHARE = 0.1;

/**
 * Sweeps over the weights: whether the mean is included, and the smallest gain for which a weight moves, in units of
 * the cost of one weight alone. Large gains come first, and windows before the mean, because each move leaves less for
 * later ones.
 */
const SWEEPS = [
  { mean: 0, least: 0.75 },
  { mean: 0, least: 0.5 },
  { mean: MEAN_SHARE, least: 1 },
  { mean: MEAN_SHARE, least: 0.75 },
  { mean: MEAN_SHARE, least: 0.5 },
];

/**
 * Rounds the weights of one output channel [inputs, height, width] to integers, some of them not to the nearest, so
 * that the output moves less. Tensors after ReLUs and squares are not negative, and neighbours on a map are similar, so
 * the effect of rounding on an output is mostly the sum of errors over small windows, and over all weights. The squares
 * of these sums are minimised, weight by weight: sum e_i e_j K(i, j) + m (sum e_i)^2, where K is a product of two
 * tents, the sum over windows of 3 x 3 taps. Every weight is rounded down or up, and integers do not change, in
 * particular zeros, which a network may have on purpose.
 */
export function roundKernel(exact: Float64Array, shape: TapShape, into: Int32Array): void {
  const errors = new Float64Array(exact.length);
  let total = 0;
  for (let i = 0; i < exact.length; i++) {
    into[i] = Math.round(exact[i]);
    errors[i] = into[i] - exact[i];
    total += errors[i];
  }
  // Of each weight: the sum of e_j K(i, j).
  const gradients = new Float64Array(exact.length);
  for (let i = 0; i < exact.length; i++) addAlike(gradients, shape, i, errors[i]);
  for (const { mean, least } of SWEEPS) {
    const limit = least * (1 + mean);
    for (let i = 0; i < exact.length; i++) {
      const gradient = gradients[i] + mean * total;
      if (gradient <= limit && gradient >= -limit) continue;
      const step = gradient > 0 ? -1 : 1;
      if (errors[i] === 0 || Math.abs(errors[i] + step) >= 1) continue;
      into[i] += step;
      errors[i] += step;
      total += step;
      addAlike(gradients, shape, i, step);
    }
  }
}

/** Adds change * K(i, j) to all taps j of tap i's input. */
function addAlike(gradients: Float64Array, { height, width }: TapShape, i: number, change: number): void {
  const area = height * width;
  if (area === 1) {
    gradients[i] += change;
    return;
  }
  const tap = i % area;
  const column = tap % width;
  const row = (tap - column) / width;
  const [top, bottom] = [Math.max(0, row - 2), Math.min(height - 1, row + 2)];
  const [left, right] = [Math.max(0, column - 2), Math.min(width - 1, column + 2)];
  for (let y = top; y <= bottom; y++) {
    const share = change * LIKENESS[Math.abs(y - row)];
    const line = i - tap + y * width;
    for (let x = left; x <= right; x++) gradients[line + x] += share * LIKENESS[Math.abs(x - column)];
  }
}
