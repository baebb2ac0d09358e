import { type FloatNetwork, FloatRunner } from '../float-network.ts';

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
