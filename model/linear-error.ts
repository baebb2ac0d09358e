/**
 * What private linear layers add to their outputs. The homomorphic encryption rounds ciphertexts to 32 bits
 * (docs/protocol.md, section 2.3), which moves an output by a few units of the ring Z_2^32, before the gadgets drop f bits.
 */

/** The error of one output of a linear layer, in units of the ring. The logits are those of the last layer. */
export type LinearError = (layer: number, element: number) => number;

/** As in plaintext. */
export const exact: LinearError = () => 0;

/**
 * Standard deviation of the error of one output: sqrt((2N / 3 + 1) / 12) at N = 4096, for the rounding of N coefficients, of
 * which a ternary secret takes two thirds, and of one more.
 */
export const LINEAR_ERROR = 15.1;

/** Errors as private layers have them, nearly. `random` gives numbers in [0, 1). */
export function likely(random: () => number): LinearError {
  // Box and Muller's way to a normal distribution.
  return () =>
    Math.round(LINEAR_ERROR * Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random()));
}
