import type { DenseKernel } from './dense-kernel.ts';

/**
 * Returns the largest number of groups of a kernel: equal parts of its input and output channels, where outputs read
 * only inputs of their own part. Depthwise convolutions, and shortcuts that are identities, have one per channel.
 */
export function groupsOf({ out, in: channels, height, width, data }: DenseKernel): number {
  const area = height * width;
  const reads = (o: number, c: number) => {
    const start = (o * channels + c) * area;
    return data.subarray(start, start + area).some((weight) => weight !== 0);
  };
  const inputs = Array.from({ length: channels }, (_, c) => c);
  const spans = Array.from({ length: out }, (_, o) => ({
    first: inputs.find((c) => reads(o, c)),
    last: inputs.findLast((c) => reads(o, c)),
  }));
  const fits = (groups: number) => {
    const own = (channel: number, of: number) => Math.floor((channel * groups) / of);
    return spans.every(
      ({ first, last }, o) =>
        first === undefined || (own(first, channels) === own(o, out) && own(last!, channels) === own(o, out)),
    );
  };
  for (let groups = Math.min(out, channels); groups > 1; groups--)
    if (out % groups === 0 && channels % groups === 0 && fits(groups)) return groups;
  return 1;
}

/** Returns the weights [out, in / groups, height, width] of a kernel with this number of groups. */
export function groupedWeights(kernel: DenseKernel, groups: number): Float64Array {
  const { out, in: channels, height, width, data } = kernel;
  if (groups === 1) return data;
  const depth = (channels / groups) * height * width;
  const weights = new Float64Array(out * depth);
  for (let o = 0; o < out; o++) {
    const start = o * channels * height * width + Math.floor((o * groups) / out) * depth;
    weights.set(data.subarray(start, start + depth), o * depth);
  }
  return weights;
}
