import { SphynxError } from '../../errors/sphynx-error.ts';
import type { Calibration } from '../card.ts';
import type { FloatLayer, FloatNetwork } from '../float-network.ts';
import { MAX_LOGIT_SCALE_BITS, MAX_PRODUCT_BITS, MIN_DROP_BITS, RING_BITS } from '../limits.ts';
import type { FixedPointLayer, FixedPointPlan } from './fixed-point-plan.ts';
import type { InputScales } from './input-scales.ts';
import { type LayerRanges, linearLimit, wholeRange } from './ranges.ts';
import { squareBitsBehind } from './square-precision.ts';
import { channelKinds, planSquares, SQUARE_BITS } from './square-scales.ts';
import { weightScales } from './weight-scales.ts';

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

/** ReLUs behind squares of squares have so many bits more than others. */
const HEAVY_TAIL_BITS = 2;

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
  const { marginPercent, weightNorm, input, calibrationImages, calibration } = options;
  checkRanges(network, ranges);
  const heavyTails = behindSquaresOfSquares(network);
  const margins = heavyTails.map((heavy) => (marginPercent / 100) ** (heavy ? 2 : 1));
  const scales: number[][] = [input.scaleBits.map((bits) => 2 ** bits)];
  const layers: FixedPointLayer[] = [];
  for (const [l, layer] of network.layers.slice(0, -1).entries()) {
    const { relu, linear } = ranges[l];
    const margin = margins[l];
    // Channels with only squares do not influence k and f.
    const others = channelKinds(layer).map(({ other }) => other);
    const extraBits = heavyTails[l] && others.includes(true) ? HEAVY_TAIL_BITS : 0;
    const ringBits = Math.min(options.ringBits + extraBits, RING_BITS.max);
    // A stochastic rounding may add one.
    const largest = 2 ** (ringBits - 1) - 2;
    const measured = wholeRange(ranges[l]);
    const dead = measured.every((most) => most === 0);
    const whole = dead ? expectedRange(layer, scales, largest) : measured;
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
    /** The largest product scale of each channel at which its bias is a word. */
    const biasRoom = largestBias(layer).map((bias) => LARGEST_WORD / bias);
    const fitting = most.map((scale, channel) =>
      Math.min(
        fits(bound[channel]),
        room / (margin * linear[channel]),
        biasRoom[channel] / 2 ** dropBits,
        scale,
      ),
    );
    const planned = layer.square
      ? planSquares({
          ...{ layer, ranges: ranges[l], margin, dropBits, scales: fitting, biasRoom },
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

/** For each layer, whether it depends on squares of squares. */
function behindSquaresOfSquares({ layers }: FloatNetwork): boolean[] {
  const depths = [0];
  return layers.map(({ terms, square }) => {
    const depth = Math.max(...terms.map(({ tensor }) => depths[tensor]));
    depths.push(square ? depth + 1 : depth);
    return depth >= 2;
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
    const scaleAt = weightScales(kernel, norms.length, scales[tensor], groups);
    const depth = kernel.length / norms.length;
    const area = (depth * groups) / scales[tensor].length;
    for (let i = 0; i < kernel.length; ) {
      const [output, scale] = [Math.floor(i / depth), scaleAt(i)];
      for (const end = i + area; i < end; i++) norms[output] += (kernel[i] / scale) ** 2;
    }
  }
  return norms.map(Math.sqrt);
}
