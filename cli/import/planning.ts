/** Parameters common to all plans. */
export const PLANNING = {
  /**
   * Twice the largest value of calibration still fits; larger values wrap around and corrupt their element. Another
   * 10,000 training images needed at most 1.61 times it on sphynx-c100-25k, where a margin of 1.5 failed three of them.
   */
  marginPercent: 200,
  /**
   * L2 norm of an output channel's integer weights: a larger one gives no visible gain, a smaller one costs accuracy.
   */
  weightNorm: 2 ** 13,
} as const;
