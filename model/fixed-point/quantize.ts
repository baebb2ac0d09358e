import { SphynxError } from '../../errors/sphynx-error.ts';
import type { Preprocessing } from '../card.ts';
import { bitmapOf } from '../element-bitmap.ts';
import type { FloatKernel, FloatLayer, FloatNetwork } from '../float-network.ts';
import type { OutputHead } from '../head.ts';
import type { InputKind } from '../input-kind.ts';
import { assembleNetwork, type FixedNetwork, type LayerWeights } from '../network.ts';
import type { Squares, TermShape } from '../shape.ts';
import type { FixedPointPlan } from './fixed-point-plan.ts';
import { roundKernel } from './round-kernel.ts';
import { productScales, type SquareBits } from './square-scales.ts';
import { weightScales } from './weight-scales.ts';

/** The facts in a model's folder besides its weights. */
export interface ModelFacts {
  readonly name: string;
  readonly inputKind: InputKind;
  readonly head: OutputHead;
  readonly labels: readonly string[];
  readonly preprocessing: Omit<Preprocessing, 'scaleBits' | 'limit'>;
}

/**
 * The network in integers: weight * output scale * 2^f / input scale, rounded (round-kernel.ts). Throws 'model/format' if the plan is
 * not one for this network.
 */
export function quantizeNetwork(
  network: FloatNetwork,
  plan: FixedPointPlan,
  facts: ModelFacts,
): FixedNetwork {
  const last = network.layers.length - 1;
  if (plan.layers.length !== last)
    throw new SphynxError(
      'model/format',
      `the fixed-point plan has ${plan.layers.length} layers for a network of ${last} and logits: plan it again`,
    );
  if (plan.inputScaleBits.length !== network.input.channels)
    throw new SphynxError(
      'model/format',
      `the fixed-point plan has ${plan.inputScaleBits.length} scales for ${network.input.channels} channels of the input: plan it again`,
    );
  const scales = [plan.inputScaleBits.map((bits) => 2 ** bits)];
  const weights: LayerWeights[] = [];
  for (const [l, layer] of network.layers.entries()) {
    const { channels } = layer.output;
    if (l < last && plan.layers[l].name !== layer.name)
      throw new SphynxError(
        'model/format',
        `the fixed-point plan has a layer ${plan.layers[l].name} where the network has ${layer.name}: plan it again`,
      );
    const own = l < last ? plan.layers[l].scales : new Array<number>(channels).fill(1);
    if (own.length !== channels)
      throw new SphynxError(
        'model/format',
        `the fixed-point plan has ${own.length} scales for the ${channels} channels of ${layer.name}: plan it again`,
      );
    if (l < last && !layer.square !== !plan.layers[l].squares)
      throw new SphynxError(
        'model/format',
        `the fixed-point plan and the network disagree on whether ${layer.name} has squares: plan it again`,
      );
    const output = l < last ? productScales(layer, plan.layers[l]) : own.map(() => 2 ** plan.logitScaleBits);
    weights.push({
      kernels: layer.kernels.map((kernel, t) =>
        quantizeKernel(kernel, output, scales[layer.terms[t].tensor], layer.terms[t]),
      ),
      bias: Int32Array.from(layer.bias, (value, i) =>
        toWord(value * output[Math.floor((i * channels) / layer.bias.length)], layer),
      ),
    });
    scales.push([...own]);
  }
  const { inputScaleBits: scaleBits, inputLimit: limit, calibration, logitScaleBits } = plan;
  const layers = network.layers.map(({ name, output, terms, linear, square }, l) => ({
    name,
    output,
    terms,
    gadget: l < last ? { ringBits: plan.layers[l].ringBits, dropBits: plan.layers[l].dropBits } : null,
    linear: bitmapOf(linear),
    squares: squaresOf(square, plan.layers[l]?.squares),
  }));
  const { input } = network;
  const draft = {
    ...facts,
    input,
    preprocessing: { ...facts.preprocessing, scaleBits, limit },
    calibration,
    layers,
    logitScaleBits,
  };
  return assembleNetwork(draft, weights);
}

function squaresOf(flags: Uint8Array | null, bits: SquareBits | null | undefined): Squares | null {
  const elements = bitmapOf(flags);
  return elements && bits ? { elements, ...bits } : null;
}

function quantizeKernel(
  kernel: FloatKernel,
  output: readonly number[],
  input: readonly number[],
  { groups, kernelHeight: height, kernelWidth: width }: TermShape,
): Int32Array {
  const scaleAt = weightScales(kernel, output.length, input, groups);
  const depth = kernel.length / output.length;
  const area = height * width;
  const integers = new Int32Array(kernel.length);
  const exact = new Float64Array(depth);
  for (const [channel, scale] of output.entries()) {
    const first = channel * depth;
    for (let i = 0; i < depth; i += area) {
      const divisor = scaleAt(first + i);
      for (let tap = i; tap < i + area; tap++) exact[tap] = (kernel[first + tap] * scale) / divisor;
    }
    roundKernel(exact, { height, width }, integers.subarray(first, first + depth));
  }
  return integers;
}

function toWord(value: number, { name }: FloatLayer): number {
  const word = Math.round(value);
  if (Math.abs(word) >= 2 ** 31)
    throw new SphynxError('model/unsupported', `layer ${name}: a bias does not fit 32 bits`);
  return word;
}
