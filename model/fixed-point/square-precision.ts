import type { FloatNetwork } from '../float-network.ts';
import type { FixedPointPlan } from './fixed-point-plan.ts';
import { channelKinds, productScales, SQUARE_BITS } from './square-scales.ts';
import { weightScales } from './weight-scales.ts';

/** Smallest root mean square of the integer weights that read squares: rounding then costs each 7 %. */
const LEAST_WEIGHT = 4;

/** Smallest number of bits of squared values; fewer would be too coarse. */
const LEAST_SQUARE_BITS = 6;

/**
 * Returns for each layer the bits of its squared values, given a plan that has `SQUARE_BITS` everywhere. If many
 * squares are averaged, as by a pool over the map, the weights for such large numbers would round to zero; then squares
 * take fewer bits, whose rounding errors the average cancels.
 */
export function squareBitsBehind({ layers }: FloatNetwork, plan: FixedPointPlan): number[] {
  const scales = [plan.inputScaleBits.map((bits) => 2 ** bits), ...plan.layers.map((own) => own.scales)];
  const bits = layers.map(() => SQUARE_BITS);
  for (const [l, layer] of layers.entries()) {
    const outputs = plan.layers[l]
      ? productScales(layer, plan.layers[l])
      : new Array<number>(layer.output.channels).fill(2 ** plan.logitScaleBits);
    for (const [t, { tensor, groups }] of layer.terms.entries()) {
      const source = layers[tensor - 1];
      if (!source?.square) continue;
      const kernel = layer.kernels[t];
      const squared = channelKinds(source).map(({ square }) => square);
      const own = (values: readonly number[]) => weightScales(kernel, outputs.length, values, groups);
      const [scaleAt, squareAt] = [own(scales[tensor]), own(squared.map(Number))];
      const depth = kernel.length / outputs.length;
      let [sum, count] = [0, 0];
      for (let i = 0; i < kernel.length; i++) {
        if (kernel[i] === 0 || squareAt(i) === 0) continue;
        sum += ((kernel[i] * outputs[Math.floor(i / depth)]) / scaleAt(i)) ** 2;
        count++;
      }
      if (count === 0) continue;
      // One bit less makes the square four times smaller.
      const missing = Math.max(0, Math.ceil(Math.log2(LEAST_WEIGHT / Math.sqrt(sum / count)) / 2));
      bits[tensor - 1] = Math.min(bits[tensor - 1], Math.max(LEAST_SQUARE_BITS, SQUARE_BITS - missing));
    }
  }
  return bits;
}
