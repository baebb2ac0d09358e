import { SphynxError } from '../../errors/sphynx-error.ts';
import type { Calibration } from '../card.ts';
import type { FloatKernel, FloatLayer, FloatNetwork } from '../float-network.ts';
import { MAX_LOGIT_SCALE_BITS, MAX_PRODUCT_BITS, MIN_DROP_BITS } from '../limits.ts';
import type { InputScales } from './input-scales.ts';
import { type LayerRanges, linearLimit, wholeRange } from './ranges.ts';
import { squareBitsBehind } from './square-precision.ts';
import { channelKinds, planSquares, SQUARE_BITS, type SquareBits } from './square-scales.ts';

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
 * applied twice after squares of squares.
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

export interface PlannerOptions {
  readonly ringBits: number;
  readonly marginPercent: number;
  readonly calibrationImages: number;
  readonly calibration: Calibration;
  readonly input: InputScales;
  /**
   * L2 norm of an output channel's integer kernel, which determines the precision of the weights. It is exceeded if the
   * smallest f requires more. Under homomorphic encryption, 2^20 times the square root of the channels of a ciphertext
   * would add errors of about 3 units of the ring, a fifth of the errors that exist anyway.
   */
  readonly weightNorm: number;
}

/** A channel that calibration hardly excites gets at most this many times the layer's smallest scale. */
const SCALE_SPREAD = 64;

/**
 * Additional bits of weights, beyond what the channel with the widest kernel allows; such channels get a smaller scale
 * instead, by at most a factor of two. One bit cuts few channels and halves the rounding errors of all weights.
 */
const EXTRA_WEIGHT_BITS = 1;

/**
 * Smallest number of bits of weights. A layer whose outputs in calibration are far below the range that its weights and
 * inputs allow would get fewer; its channels get a smaller scale instead, so that the weights fit. More ring bits would
 * not help, because they raise the scales of inputs and outputs alike.
 */
const LEAST_WEIGHT_BITS = 1;

/** Largest bias or logit, as a signed 32-bit word. */
const LARGEST_WORD = 2 ** 31 - 1;

/** A layer that gives zero for every input is planned as if its largest value were this: no scale is infinite. */
const SMALLEST_RANGE = 1e-30;

/** Plans scales, k and f of every layer. Throws 'model/unsupported' if a layer's values do not fit 32 bits. */
export function planFixedPoint(
  network: FloatNetwork,
  ranges: readonly LayerRanges[],
  options: PlannerOptions,
): FixedPointPlan {
  const first = planWith(
    network,
    ranges,
    options,
    network.layers.map(() => SQUARE_BITS),
  );
  const bits = squareBitsBehind(network, first);
  return bits.every((own) => own === SQUARE_BITS) ? first : planWith(network, ranges, options, bits);
}

/** Plans with the given bits for the squared values of each layer. */
function planWith(
  network: FloatNetwork,
  ranges: readonly LayerRanges[],
  options: PlannerOptions,
  squareBits: readonly number[],
): FixedPointPlan {
  const { ringBits, marginPercent, weightNorm, input, calibrationImages, calibration } = options;
  checkRanges(network, ranges);
  const margins = layerMargins(network, marginPercent / 100);
  const scales: number[][] = [input.scaleBits.map((bits) => 2 ** bits)];
  const layers: FixedPointLayer[] = [];
  // A stochastic rounding may add one.
  const largest = 2 ** (ringBits - 1) - 2;
  for (const [l, layer] of network.layers.slice(0, -1).entries()) {
    const { relu, linear } = ranges[l];
    const margin = margins[l];
    const measured = wholeRange(ranges[l]);
    const dead = measured.every((most) => most === 0);
    const whole = dead ? expectedRange(layer, scales, largest) : measured;
    // Channels with only squares do not influence k and f.
    const others = channelKinds(layer).map(({ other }) => other);
    const bound = relu.map((most, channel) =>
      others[channel] ? most || (dead ? whole : linear)[channel] : 0,
    );
    const smallest = largest / (margin * Math.max(...bound, SMALLEST_RANGE));
    const fits = (most: number) => Math.min(largest / (margin * most), SCALE_SPREAD * smallest);
    const own = Array.from(whole, (most, channel) => (others[channel] ? fits(most) : 0));
    const wanted = Math.max(
      weightBits(layer, scales, own, weightNorm) + EXTRA_WEIGHT_BITS,
      LEAST_WEIGHT_BITS,
    );
    // One bit less leaves room for k bits of linear elements and squared values too.
    const dropBits = Math.min(
      Math.max(wanted, MIN_DROP_BITS),
      MAX_PRODUCT_BITS - ringBits - (layer.linear || layer.square ? 1 : 0),
    );
    /** The smallest f may require more than the norm. */
    const bounds = (bits: number, wanted: number) =>
      largestScales(layer, scales, bits, weightNorm * 2 ** Math.max(0, bits - wanted));
    const most = bounds(dropBits, wanted);
    const room = linearLimit(dropBits) - 1;
    const bias = largestBias(layer);
    const fitting = most.map((scale, channel) =>
      Math.min(
        fits(bound[channel]),
        room / (margin * linear[channel]),
        LARGEST_WORD / (bias[channel] * 2 ** dropBits),
        scale,
      ),
    );
    const planned = layer.square
      ? planSquares({
          ...{ layer, ranges: ranges[l], margin, dropBits, scales: fitting },
          ...{ spread: SCALE_SPREAD, smallestRange: SMALLEST_RANGE, squareBits: squareBits[l] },
          weightBits: (own) => weightBits(layer, scales, own, weightNorm) + EXTRA_WEIGHT_BITS,
          largest: bounds,
        })
      : { scales: fitting, squares: null };
    layers.push({ name: layer.name, ringBits, dropBits, ...planned });
    scales.push(planned.scales);
  }
  const last = network.layers[network.layers.length - 1];
  const largestLogit = margins[layers.length] * Math.max(...ranges[layers.length].linear, SMALLEST_RANGE);
  const logitScaleBits = Math.min(
    weightBits(last, scales, new Array(last.output.channels).fill(1), weightNorm),
    Math.floor(Math.log2(LARGEST_WORD / Math.max(largestLogit, ...largestBias(last)))),
    MAX_LOGIT_SCALE_BITS,
  );
  if (logitScaleBits < 0)
    throw new SphynxError(
      'model/unsupported',
      `the outputs reach ${(largestLogit / margins[layers.length]).toPrecision(2)} and are too large for 32 bits: divide the weights and the bias of the last layer by ${2 ** -logitScaleBits}, and multiply what clients read by it`,
    );
  return {
    format: 2,
    marginPercent,
    calibrationImages,
    calibration,
    inputScaleBits: input.scaleBits,
    inputLimit: input.limit,
    logitScaleBits,
    layers,
  };
}

/** Number of consecutive squares from which on the margin is applied twice. */
const HEAVY_TAILS = 2;

/** The margin of each layer: squared where it depends on squares of squares. */
function layerMargins({ layers }: FloatNetwork, margin: number): number[] {
  const depths = [0];
  return layers.map(({ terms, square }) => {
    const depth = Math.max(...terms.map(({ tensor }) => depths[tensor]));
    depths.push(square ? depth + 1 : depth);
    return depth >= HEAVY_TAILS ? margin ** 2 : margin;
  });
}

/** Throws 'model/unsupported' if a layer produced values that are not finite numbers. */
function checkRanges(network: FloatNetwork, ranges: readonly LayerRanges[]): void {
  for (const [l, range] of ranges.entries())
    if (!wholeRange(range).every(Number.isFinite))
      throw new SphynxError(
        'model/unsupported',
        `layer ${network.layers[l].name} gives values that are infinite or no numbers: check the weights of the model and --mean and --std`,
      );
}

/** Bits of precision that the bound on an output channel's integer kernel leaves its weights, at the scales `own`. */
function weightBits(
  layer: FloatLayer,
  scales: readonly (readonly number[])[],
  own: readonly number[],
  weightNorm: number,
): number {
  const most = largestScales(layer, scales, 0, weightNorm);
  return Math.floor(Math.log2(Math.min(...most.map((scale, channel) => scale / own[channel]))));
}

/**
 * The largest scale of each output channel at which its integer kernel, of `dropBits` bits, is within the bound.
 * Rounding moves each weight by less than one, so it adds at most the root of their number to the norm.
 */
function largestScales(
  layer: FloatLayer,
  scales: readonly (readonly number[])[],
  dropBits: number,
  weightNorm: number,
): number[] {
  const count = layer.kernels.reduce((sum, { length }) => sum + length, 0) / layer.output.channels;
  const room = Math.max(0, weightNorm - Math.sqrt(count));
  return kernelNorms(layer, scales).map((norm) => room / (norm * 2 ** dropBits));
}

/** Estimates the range of each channel of a layer that calibration does not excite, from inputs at their limit. */
function expectedRange(
  layer: FloatLayer,
  scales: readonly (readonly number[])[],
  largest: number,
): Float64Array {
  return Float64Array.from(kernelNorms(layer, scales), (norm) => norm * largest);
}

/** Largest magnitude of each output channel's bias. */
function largestBias({ bias, output: { channels } }: FloatLayer): number[] {
  const area = bias.length / channels;
  return Array.from({ length: channels }, (_, c) =>
    bias.subarray(c * area, (c + 1) * area).reduce((most, value) => Math.max(most, Math.abs(value)), 0),
  );
}

/** L2 norm of each output channel's kernel over all terms, for inputs at their scales. */
function kernelNorms(layer: FloatLayer, scales: readonly (readonly number[])[]): number[] {
  const norms = new Array<number>(layer.output.channels).fill(0);
  for (const [t, kernel] of layer.kernels.entries()) {
    const { tensor, groups } = layer.terms[t];
    const scaleAt = inputScales(kernel, norms.length, scales[tensor], groups);
    const depth = kernel.length / norms.length;
    const area = (depth * groups) / scales[tensor].length;
    for (let i = 0; i < kernel.length; ) {
      const [output, scale] = [Math.floor(i / depth), scaleAt(i)];
      for (const end = i + area; i < end; i++) norms[output] += (kernel[i] / scale) ** 2;
    }
  }
  return norms.map(Math.sqrt);
}

/** For each weight of a kernel [outputs, in / groups, ...] the scale of the channel that it reads. */
export function inputScales(
  kernel: FloatKernel,
  outputs: number,
  scales: readonly number[],
  groups: number,
): (weight: number) => number {
  const depth = kernel.length / outputs;
  const perGroup = scales.length / groups;
  const area = depth / perGroup;
  const outputsPerGroup = outputs / groups;
  return (i) => {
    const group = Math.floor(i / depth / outputsPerGroup);
    return scales[group * perGroup + Math.floor((i % depth) / area)];
  };
}
