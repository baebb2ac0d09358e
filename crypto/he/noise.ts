import { SphynxError } from '../../errors/sphynx-error.ts';
import { DEGREE } from './parameters.ts';

/**
 * The noise of a returned ciphertext. With q the product of the three data primes (just under 2^90), q' that of
 * the two it is switched to (just under 2^60) and t = 2^32, decryption is right while the noise stays below
 * q / 2t, about 2^57, and after the switch below q' / 2t, about 2^27.
 *
 * What the client sees of the noise must not tell it the weights, so the server floods it. One coefficient of the
 * noise before flooding is sum_i e_i k_i: e_i is the error of a fresh encryption (standard deviation 3.24, with the
 * rounding of the scaled plaintext 3.26, taken as 3.3), k_i runs over all coefficients of the kernel polynomials
 * that meet in this coefficient. Those hold the kernels of *all* output channels of the ciphertext, not only of the
 * coefficient's own, so for n channels of norm at most w the standard deviation is at most 3.3 * w * sqrt(n), and 8
 * of them are exceeded with probability below 2^-45 (sub-Gaussian tail).
 *
 * The flood is uniform in [-2^56, 2^56): shifting it by b changes its distribution by |b| / 2^57. A bound that is
 * 2^37 times smaller than the flood makes that at most 2^-38 per returned coefficient, and 2^-41 on average (mean
 * |b| is a tenth of the bound).
 *
 * Room for the flood: with the products' noise (2^19) and that of the added encryption of zero (2^10) it stays
 * below q / 2t = 2^57 - 2^45. After the switch the flood is at most 2^26, and rounding adds less than 2^8. Then
 * both polynomials lose their low DROPPED_BITS = 18 bits, rounded: errors uniform in [-2^17, 2^17], those of c1
 * multiplied by the ternary secret (2N/3 nonzero coefficients on average), together of standard deviation
 * 2^18 * sqrt((2N/3 + 1) / 12) = 2^21.9. From 2^26 to q' / 2t there is room for 16.9 of them: a coefficient is
 * decrypted wrongly with probability below 2^-200.
 */
export const FLOOD_BITS = 56;
const RATIO_BITS = 37;
const ERROR_DEVIATION = 3.3;
const DEVIATIONS = 8;

/** Bound on a coefficient of the noise before flooding, with `channelsOut` output channels per ciphertext. */
export function noiseBound(weightNorm: number, channelsOut: number): number {
  return DEVIATIONS * ERROR_DEVIATION * weightNorm * Math.sqrt(channelsOut);
}

/**
 * The most output channels that one ciphertext may hold so that the flood is 2^37 times the noise bound; 0 if one
 * is too many. weightNorm: L2 norm of one output channel's integer kernel over all terms of its layer.
 */
export function mostOutputChannels(weightNorm: number): number {
  const most = (2 ** (FLOOD_BITS - RATIO_BITS) / noiseBound(weightNorm, 1)) ** 2;
  return Math.floor(Math.min(most, DEGREE));
}

/** Throws 'crypto/parameters' if the flood does not hide weights of this norm even at one channel per ciphertext. */
export function checkFlooding(weightNorm: number): void {
  if (!(weightNorm > 0) || mostOutputChannels(weightNorm) < 1)
    throw new SphynxError(
      'crypto/parameters',
      `an output channel's integer weights have norm ${weightNorm}, too much for the noise to hide: quantise the model with fewer weight bits`,
    );
}

/**
 * Throws 'crypto/parameters' if the kernels themselves, [outputs, ...] per term, are larger than the flood hides
 * with `channelsOut` output channels per ciphertext: the plan trusts the announced norm, this does not.
 */
export function checkKernels(kernels: readonly Int32Array[], outputs: number, channelsOut: number): void {
  for (let output = 0; output < outputs; output++) {
    let squares = 0;
    for (const kernel of kernels) {
      const size = kernel.length / outputs;
      for (let i = output * size; i < (output + 1) * size; i++) squares += kernel[i] * kernel[i];
    }
    if (noiseBound(Math.sqrt(squares), channelsOut) > 2 ** (FLOOD_BITS - RATIO_BITS))
      throw new SphynxError('crypto/parameters', 'a kernel is larger than its layer announced');
  }
}
