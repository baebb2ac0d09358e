import { applyGadgets, linearLayer, nearest } from '../../model/executor.ts';
import type { FixedPointPlan } from '../../model/fixed-point/fixed-point-plan.ts';
import { activated, type FloatNetwork, type FloatRunner } from '../../model/float-network.ts';
import type { FixedNetwork } from '../../model/network.ts';

/**
 * Computes the loss of each layer separately: its tensor, computed in integers from the float network's tensors, is
 * compared with the float tensor. Returns the root mean square of the errors over that of the values, for each layer,
 * the logits last.
 */
export function layerLosses(
  float: FloatNetwork,
  fixed: FixedNetwork,
  plan: FixedPointPlan,
  images: readonly Float32Array[],
  runner: FloatRunner,
): number[] {
  const sums = float.layers.map(() => ({ error: 0, value: 0 }));
  const last = float.layers.length - 1;
  const scales = [plan.inputScaleBits.map((bits) => 2 ** bits), ...plan.layers.map((layer) => layer.scales)];
  for (const image of images) {
    const outputs = runner.run(image);
    const tensors = [image, ...outputs.slice(0, -1).map((output, l) => activated(output, float.layers[l]))];
    const integers = tensors.map((tensor, t) => quantized(tensor, scales[t]));
    for (const [l, sum] of sums.entries()) {
      const raw = linearLayer(fixed, l, integers);
      const own = l === last ? new Int32Array(raw.buffer) : applyGadgets(fixed.card, l, raw, nearest);
      const units = l === last ? [2 ** plan.logitScaleBits] : scales[l + 1];
      const expected = l === last ? outputs[l] : tensors[l + 1];
      const area = own.length / units.length;
      for (const [c, unit] of units.entries())
        for (let i = c * area; i < (c + 1) * area; i++) {
          sum.error += (own[i] / unit - expected[i]) ** 2;
          sum.value += expected[i] ** 2;
        }
    }
  }
  return sums.map(({ error, value }) => (value > 0 ? Math.sqrt(error / value) : 0));
}

/** Quantises a tensor, with one scale per channel or one for all. */
function quantized(tensor: Float32Array, scales: readonly number[]): Int32Array {
  const area = tensor.length / scales.length;
  const integers = new Int32Array(tensor.length);
  for (const [c, scale] of scales.entries())
    for (let i = c * area; i < (c + 1) * area; i++) integers[i] = Math.round(tensor[i] * scale);
  return integers;
}
