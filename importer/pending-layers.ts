import { type AffineTerm, type AffineValue, denseKernel, tensorValue } from './affine.ts';
import type { Cut, PendingLayer } from './pending-layer.ts';
import { settled } from './relayout.ts';
import type { Segments } from './rewrites/segments.ts';

/** The layers that a graph's nonlinear operators require, in order. Entry l makes tensor l + 1. */
export class PendingLayers {
  readonly found: PendingLayer[] = [];
  /** Per tensor, for each channel whether it is never negative; filled when asked for. */
  readonly #nonnegative = new Map<number, boolean[]>();

  /**
   * For the operator or value `name`, whose layers are named after it. They compute `operators`; `cuts` say why if
   * the graph has no activation here.
   */
  endedBy(name: string, operators: () => readonly string[], cuts: readonly Cut[] = []): Segments {
    let count = 0;
    return {
      end: (unsettled, linear, square = null) => {
        const value = settled(unsettled);
        this.found.push({
          name: count++ === 0 ? name : `${name}/${count}`,
          value,
          linear,
          square,
          cuts,
          operators: operators(),
        });
        return tensorValue(this.found.length, value.shape, value.layout);
      },
      isNonnegative: (value) => this.#channelsOf(value).every((channel) => channel),
    };
  }

  /** Returns for each channel of an affine value whether it is a sum of values that are never negative. */
  #channelsOf({ shape, terms, bias }: AffineValue): boolean[] {
    const { values } = bias;
    const each = values.length / shape.channels;
    const sums = Array.from({ length: shape.channels }, (_, channel) =>
      values.subarray(channel * each, (channel + 1) * each).every((b) => b >= 0),
    );
    for (const term of terms) {
      const { data, in: channelsIn } = denseKernel(term);
      const inputs = this.#channelsOfTensor(term, channelsIn);
      const area = data.length / (shape.channels * channelsIn);
      for (const [i, weight] of data.entries()) {
        const position = Math.floor(i / area);
        if (weight < 0 || (weight > 0 && !inputs[position % channelsIn]))
          sums[Math.floor(position / channelsIn)] = false;
      }
    }
    return sums;
  }

  /** The image may be negative, ReLUs and squares are not, and linear elements keep their sign. */
  #channelsOfTensor({ tensor }: AffineTerm, channels: number): boolean[] {
    if (tensor === 0) return new Array(channels).fill(false);
    let known = this.#nonnegative.get(tensor);
    if (!known) {
      const { value, linear } = this.found[tensor - 1];
      const area = value.shape.height * value.shape.width;
      const passes = (channel: number) => linear?.subarray(channel * area, (channel + 1) * area).includes(1);
      const own = linear ? this.#channelsOf(value) : [];
      known = Array.from({ length: channels }, (_, channel) => !passes(channel) || own[channel]);
      this.#nonnegative.set(tensor, known);
    }
    return known;
  }
}
