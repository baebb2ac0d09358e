import type { FloatKernel } from '../float-network.ts';

/** For each weight of a kernel [outputs, in / groups, ...] the scale of the channel that it reads. */
export function weightScales(
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
