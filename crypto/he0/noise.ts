import { SphynxError } from '../../errors/sphynx-error.ts';

/**
 * Noise of a returned ciphertext, and why flooding hides what it tells of the weights.
 *
 * A fresh ciphertext's coefficient is off by e + d, where e is SEAL's error of standard deviation 3.2 and d the
 * rounding of q m / t, uniform in [-1/2, 1/2]: together below 3.3. An output coefficient sums such errors times
 * the weights of one output channel, so its standard deviation is at most 3.3 * weightNorm, and eight of those
 * are exceeded with probability below 2^-49. The flooding is uniform in [-2^56, 2^56): adding a value of
 * magnitude B to it moves its distribution by at most B / 2^57 in statistical distance.
 *
 * It must also decrypt: all noise must stay below q / (2t) = 2^56.99. Flooding of 2^56, the products' noise of
 * at most 2^19 and the zero encryption's of about 2^10 do. Dropping the third prime divides noise and q alike and
 * adds a rounding error of about 2^6 (at most 2^12) to a noise of 2^26, against a limit of 2^26.99.
 */

/** The flooding noise is uniform in [-2^56, 2^56). */
export const FLOODING_BITS = 56;

/** Least distance (bits) between the bound on the products' noise and the flooding. */
export const FLOODING_MARGIN_BITS = 37;

const ERROR_DEVIATION = 3.3;
const DEVIATIONS = 8;

/** Largest L2 norm of an output channel's integer kernel for which the flooding is wide enough: about 2^14.2. */
export const LARGEST_WEIGHT_NORM = 2 ** (FLOODING_BITS - FLOODING_MARGIN_BITS) / (ERROR_DEVIATION * DEVIATIONS);

/** Throws 'crypto/parameters' if weights of this norm would show through the flooding. */
export function checkFlooding(weightNorm: number): void {
  if (!(weightNorm > 0 && weightNorm <= LARGEST_WEIGHT_NORM))
    throw new SphynxError(
      'crypto/parameters',
      `the norm of an output channel's integer weights must be at most ${Math.floor(LARGEST_WEIGHT_NORM)}, is ${weightNorm}: quantise the model with fewer weight bits`,
    );
}
