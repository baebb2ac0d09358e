import type { Calibration } from '../card.ts';
import type { SquareBits } from './square-scales.ts';

/**
 * Fixed-point scales. A ReLU commutes with positive factors, so every channel of every secret tensor may have its own
 * scale, folded into the kernels on both sides: integer = real * scale. The planner gives each channel the scale at
 * which its largest calibration value, with the margin, just fits k bits; then k bits are used well everywhere and one
 * k and f per layer are enough. f is the precision of the weights: as many bits as the bound on the kernels' norm
 * allows. Linear elements have room for 31 - f bits, whatever k is; so if they are the largest of their channel, it may
 * have a larger scale, as far as the norm at that f allows. Squares have their own bits (square-scales.ts).
 *
 * Values computed from squares have heavier tails: a value twice as large as in calibration is four times as large
 * squared. After one layer of squares this does not matter yet, because the next layer sums over many of them: in two
 * of DELPHI's networks one of 1,000 pictures had more than twice the largest value of 100 others. So the margin is
 * applied twice after squares of squares. Most values there are a small part of what fits, so ReLUs get two bits more.
 */
export interface FixedPointPlan {
  readonly format: 2;
  /** Largest value that fits, in percent of the largest in calibration; beyond it values wrap around. */
  readonly marginPercent: number;
  readonly calibrationImages: number;
  readonly calibration: Calibration;
  /** Tensor 0 is round(normalised value * 2^inputScaleBits), with the bits of its channel. */
  readonly inputScaleBits: readonly number[];
  /** Largest magnitude of an element of tensor 0; null if pixels bound it. */
  readonly inputLimit: number | null;
  readonly logitScaleBits: number;
  /** All layers but the last. */
  readonly layers: readonly FixedPointLayer[];
}

export interface FixedPointLayer {
  readonly name: string;
  /** k and f. */
  readonly ringBits: number;
  readonly dropBits: number;
  /** Scales of the layer's output tensor, per channel. */
  readonly scales: readonly number[];
  /** null if no element is squared. */
  readonly squares: SquareBits | null;
}
