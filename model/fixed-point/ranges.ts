import { type FloatNetwork, FloatRunner } from '../float-network.ts';
import type { FixedPointPlan } from './planner.ts';

/** Of one layer, per output channel: the largest magnitude over all calibration images, 0 where there is no element. */
export interface LayerRanges {
  /** Of the elements that have a ReLU, before it. */
  readonly relu: Float64Array;
  /** Of linear elements, and of the logits. */
  readonly linear: Float64Array;
  /** Of the elements that are squared, before it. */
  readonly square: Float64Array;
}

/** Runs the float network on normalised images [channels, height, width] each. */
export function measureRanges(network: FloatNetwork, images: Iterable<Float32Array>): LayerRanges[] {
  const meter = new RangeMeter(network);
  for (const image of images) meter.add(image);
  return meter.ranges;
}

/** Measures ranges image by image, for callers with something else to do in between. */
export class RangeMeter {
  readonly ranges: LayerRanges[];
  /** Of the input, per channel. */
  readonly input: Float64Array;
  readonly #network: FloatNetwork;
  readonly #runner: FloatRunner;

  /** A runner holds the weights in single precision: callers that have one share it. */
  constructor(network: FloatNetwork, runner = new FloatRunner(network)) {
    this.#network = network;
    this.#runner = runner;
    this.input = new Float64Array(network.input.channels);
    this.ranges = network.layers.map(({ output: { channels } }) => ({
      relu: new Float64Array(channels),
      linear: new Float64Array(channels),
      square: new Float64Array(channels),
    }));
  }

  /** Returns the outputs of all layers, of which the last are the logits. */
  add(image: Float32Array): Float32Array[] {
    const perChannel = image.length / this.input.length;
    for (let channel = 0; channel < this.input.length; channel++)
      widen(this.input, channel, image, channel * perChannel, (channel + 1) * perChannel);
    const outputs = this.#runner.run(image);
    const last = this.ranges.length - 1;
    for (const [l, { relu, linear, square }] of this.ranges.entries()) {
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

/** The largest magnitude of each channel, whatever its nonlinearities are. */
export function wholeRange({ relu, linear, square }: LayerRanges): Float64Array {
  return relu.map((most, channel) => Math.max(most, linear[channel], square[channel]));
}

/** Largest magnitude, in units after the bits are dropped, of an element that drops f bits and is linear or squared. */
export function linearLimit(dropBits: number): number {
  return 2 ** (30 - dropBits) - 1;
}

/** The largest measured value as a share of what the gadgets take; above 1 it was computed wrongly. */
export function rangeUse({ layers }: FixedPointPlan, ranges: readonly LayerRanges[]): number {
  const shares = layers.flatMap(({ ringBits, dropBits, scales, squares }, l) => {
    const unit = 2 ** -(squares?.shiftBits ?? 0);
    const share = (range: Float64Array, limit: number, kept = (scale: number) => scale * unit) =>
      scales.reduce((most, scale, c) => Math.max(most, (range[c] * kept(scale)) / limit), 0);
    return [
      share(ranges[l].relu, 2 ** (ringBits - 1)),
      share(ranges[l].linear, linearLimit(dropBits)),
      squares ? share(ranges[l].square, linearLimit(squares.dropBits), Math.sqrt) : 0,
    ];
  });
  return Math.max(0, ...shares);
}
