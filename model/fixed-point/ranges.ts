import { type FloatNetwork, FloatRunner } from '../float-network.ts';

/**
 * Ranges of one layer, per output channel: the largest magnitude over all calibration images, or 0 without such
 * elements.
 */
export interface LayerRanges {
  /** Range of the elements with a ReLU, before it. */
  readonly relu: Float64Array;
  /** Range of linear elements, and of the logits. */
  readonly linear: Float64Array;
  /** Range of the squared elements, before squaring. */
  readonly square: Float64Array;
}

/** Runs the float network on normalised images [channels, height, width] each. */
export function measureRanges(network: FloatNetwork, images: Iterable<Float32Array>): LayerRanges[] {
  const meter = new RangeMeter(network);
  for (const image of images) meter.add(image);
  return meter.ranges;
}

/**
 * Factor over the usual largest output, in powers of two, from which on an input of a network with squares is set
 * apart.
 */
const FAR_BITS = 4;

/** Largest share of inputs that are set apart: a larger share could not be called unusual. */
const FAR_SHARE = 0.25;

/**
 * Measures ranges image by image, so that callers can do other work in between.
 *
 * Squares have no bound: a few inputs can drive a network of many squares to outputs of a million times the usual, for
 * which the network itself is meaningless. Scales with room for them would leave no bits for all others. So inputs of
 * such networks whose largest output is far above the median's are set apart.
 */
export class RangeMeter {
  /** Of the input, per channel. */
  readonly input: Float64Array;
  readonly #network: FloatNetwork;
  readonly #runner: FloatRunner;
  readonly #unbounded: boolean;
  /**
   * Number and ranges of the inputs, grouped by the power of two of their largest output; a single group without
   * squares.
   */
  readonly #groups = new Map<number, { count: number; readonly ranges: LayerRanges[] }>();

  /** A runner holds the weights in single precision; callers that have one share it. */
  constructor(network: FloatNetwork, runner = new FloatRunner(network)) {
    this.#network = network;
    this.#runner = runner;
    this.#unbounded = network.layers.some(({ square }) => square);
    this.input = new Float64Array(network.input.channels);
  }

  /** Ranges of all inputs except those that are set apart. */
  get ranges(): LayerRanges[] {
    const limit = this.#limit();
    return this.#merged((bits) => bits <= limit);
  }

  /** Ranges of all inputs. */
  get allRanges(): LayerRanges[] {
    return this.#merged(() => true);
  }

  /** Number of inputs that are set apart. */
  get apart(): number {
    return this.#countAbove(this.#limit());
  }

  #countAbove(limit: number): number {
    let count = 0;
    for (const [bits, group] of this.#groups) if (bits > limit) count += group.count;
    return count;
  }

  /** The largest power of two that is not far from the median's. */
  #limit(): number {
    const total = this.#countAbove(Number.NEGATIVE_INFINITY);
    let below = 0;
    for (const bits of [...this.#groups.keys()].sort((a, b) => a - b)) {
      below += this.#groups.get(bits)!.count;
      if (2 * below < total) continue;
      // If the usual outputs are zero, the others cannot be judged.
      const limit = Number.isFinite(bits) ? bits + FAR_BITS : Number.POSITIVE_INFINITY;
      return this.#countAbove(limit) <= FAR_SHARE * total ? limit : Number.POSITIVE_INFINITY;
    }
    return Number.POSITIVE_INFINITY;
  }

  #merged(isWanted: (bits: number) => boolean): LayerRanges[] {
    const merged = emptyRanges(this.#network);
    for (const [bits, group] of this.#groups)
      if (isWanted(bits))
        for (const [l, ranges] of group.ranges.entries())
          for (const kind of ['relu', 'linear', 'square'] as const)
            for (const [c, most] of ranges[kind].entries())
              merged[l][kind][c] = Math.max(merged[l][kind][c], most);
    return merged;
  }

  #groupOf(logits: Float32Array): LayerRanges[] {
    // NaN outputs count as infinite.
    const most = this.#unbounded ? logits.reduce((most, value) => Math.max(most, Math.abs(value)), 0) : 1;
    const bits = Number.isNaN(most) ? Number.POSITIVE_INFINITY : Math.floor(Math.log2(most));
    const group = this.#groups.get(bits) ?? { count: 0, ranges: emptyRanges(this.#network) };
    group.count++;
    this.#groups.set(bits, group);
    return group.ranges;
  }

  /** Returns the outputs of all layers, of which the last are the logits. */
  add(image: Float32Array): Float32Array[] {
    const perChannel = image.length / this.input.length;
    for (let channel = 0; channel < this.input.length; channel++)
      widen(this.input, channel, image, channel * perChannel, (channel + 1) * perChannel);
    const outputs = this.#runner.run(image);
    const last = outputs.length - 1;
    for (const [l, { relu, linear, square }] of this.#groupOf(outputs[last]).entries()) {
      const flags = this.#network.layers[l];
      const output = outputs[l];
      const area = output.length / relu.length;
      const alike = l === last ? linear : flags.linear || flags.square ? null : relu;
      for (let channel = 0; channel < relu.length; channel++) {
        const [first, end] = [channel * area, (channel + 1) * area];
        if (alike) widen(alike, channel, output, first, end);
        else
          for (let i = first; i < end; i++)
            widen(flags.linear?.[i] ? linear : flags.square?.[i] ? square : relu, channel, output, i, i + 1);
      }
    }
    return outputs;
  }
}

/** Widens the range of a channel to hold the values from `first` to `end`. */
function widen(range: Float64Array, channel: number, values: Float32Array, first: number, end: number): void {
  let most = range[channel];
  for (let i = first; i < end; i++) most = Math.max(most, Math.abs(values[i]));
  range[channel] = most;
}

function emptyRanges({ layers }: FloatNetwork): LayerRanges[] {
  return layers.map(({ output: { channels } }) => ({
    relu: new Float64Array(channels),
    linear: new Float64Array(channels),
    square: new Float64Array(channels),
  }));
}

/** The largest magnitude of each channel, whatever its nonlinearities are. */
export function wholeRange({ relu, linear, square }: LayerRanges): Float64Array {
  return relu.map((most, channel) => Math.max(most, linear[channel], square[channel]));
}

/** Largest magnitude, in units after the bits are dropped, of an element that drops f bits and is linear or squared. */
export function linearLimit(dropBits: number): number {
  return 2 ** (30 - dropBits) - 1;
}
