import { type FloatNetwork, FloatRunner } from '../float-network.ts';
import type { FixedPointPlan } from './planner.ts';

/** Per layer and output channel, the largest magnitude before the ReLU (of the logits in the last) over all calibration images. */
export type ChannelRanges = readonly Float64Array[];

/** Runs the float network on normalised images [channels, height, width] each. */
export function measureRanges(network: FloatNetwork, images: Iterable<Float32Array>): ChannelRanges {
  const runner = new FloatRunner(network);
  const ranges = network.layers.map(({ output }) => new Float64Array(output.channels));
  for (const image of images) {
    const outputs = runner.run(image);
    for (const [l, range] of ranges.entries()) {
      const area = outputs[l].length / range.length;
      for (const [i, value] of outputs[l].entries()) {
        const channel = Math.floor(i / area);
        range[channel] = Math.max(range[channel], Math.abs(value));
      }
    }
  }
  return ranges;
}

/** The largest measured value as a share of what its k bits hold; above 1 it wrapped around. */
export function rangeUse({ layers }: FixedPointPlan, ranges: ChannelRanges): number {
  const shares = layers.map(({ ringBits, scales }, l) =>
    scales.reduce((most, scale, c) => Math.max(most, (ranges[l][c] * scale) / 2 ** (ringBits - 1)), 0),
  );
  return Math.max(0, ...shares);
}
