import { applyGadgets, linearLayer, nearest } from '../../model/executor.ts';
import type { FixedPointPlan } from '../../model/fixed-point/planner.ts';
import { type FloatNetwork, FloatRunner } from '../../model/float-network.ts';
import type { FixedNetwork } from '../../model/network.ts';

/**
 * What every layer loses by itself: its tensor computed in integers from the float network's tensors, against the
 * float one. Root mean square of the errors over that of the values, for each layer, the logits last.
 */
export function layerLosses(
  float: FloatNetwork,
  fixed: FixedNetwork,
  plan: FixedPointPlan,
  images: readonly Float32Array[],
): number[] {
  const runner = new FloatRunner(float);
  const sums = float.layers.map(() => ({ error: 0, value: 0 }));
  const last = float.layers.length - 1;
  const scales = [plan.inputScaleBits.map((bits) => 2 ** bits), ...plan.layers.map((layer) => layer.scales)];
  for (const image of images) {
    const outputs = runner.run(image);
    const tensors = [
      image,
      ...outputs.slice(0, -1).map((output, l) => activated(output, float.layers[l].linear)),
    ];
    const integers = tensors.map((tensor, t) => quantized(tensor, scales[t]));
    for (const [l, sum] of sums.entries()) {
      const raw = linearLayer(fixed, l, integers);
      const own = l === last ? new Int32Array(raw.buffer) : applyGadgets(fixed.card, l, raw, nearest);
      const units = l === last ? [2 ** plan.logitScaleBits] : scales[l + 1];
      const expected = l === last ? outputs[l] : tensors[l + 1];
      const area = own.length / units.length;
      for (const [i, value] of expected.entries()) {
        sum.error += (own[i] / units[Math.floor(i / area)] - value) ** 2;
        sum.value += value ** 2;
      }
    }
  }
  return sums.map(({ error, value }) => (value > 0 ? Math.sqrt(error / value) : 0));
}

function activated(output: Float32Array, linear: Uint8Array | null): Float32Array {
  return output.map((value, i) => (linear?.[i] ? value : Math.max(0, value)));
}

/** A tensor in integers; one scale per channel, or one for all. */
function quantized(tensor: Float32Array, scales: readonly number[]): Int32Array {
  const area = tensor.length / scales.length;
  return Int32Array.from(tensor, (value, i) => Math.round(value * scales[Math.floor(i / area)]));
}
