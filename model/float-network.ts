import { convolveFloat } from '../kernels/convolution.ts';
import { elementsOf, termConvolution } from './geometry.ts';
import type { LayerShape, Shape } from './shape.ts';

/**
 * A linear layer in floats: kernels per term as [out, in / groups, kernelHeight, kernelWidth], bias per output channel
 * or, if it differs between positions, per element.
 */
export interface FloatLayer extends LayerShape {
  readonly kernels: readonly FloatKernel[];
  readonly bias: Float64Array;
  /** Flags of the elements without a ReLU (element-bitmap.ts); of the last layer none. */
  readonly linear: Uint8Array | null;
  /** Flags of the elements that are squared in place of a ReLU; of the last layer none. */
  readonly square: Uint8Array | null;
}

/** Weights in double precision, or in single precision for networks with so many that memory matters. */
export type FloatKernel = Float64Array | Float32Array;

/** A network as imported: in the shape of the protocol (nonlinearities after every layer but the last), not yet in integers. */
export interface FloatNetwork {
  readonly input: Shape;
  readonly layers: readonly FloatLayer[];
}

/** Evaluates a network in single precision: the importer's composition, before any rounding to integers. */
export class FloatRunner {
  readonly #network: FloatNetwork;
  readonly #kernels: Float32Array[][];

  constructor(network: FloatNetwork) {
    this.#network = network;
    this.#kernels = network.layers.map(({ kernels }) =>
      kernels.map((kernel) => (kernel instanceof Float32Array ? kernel : Float32Array.from(kernel))),
    );
  }

  /** Outputs of all layers before their nonlinearities, for a normalised image [channels, height, width]; the last are the logits. */
  run(image: Float32Array): Float32Array[] {
    const tensors = [image];
    const outputs: Float32Array[] = [];
    for (const [l, layer] of this.#network.layers.entries()) {
      const output = this.#layer(l, tensors);
      outputs.push(output);
      tensors.push(activated(output, layer));
    }
    return outputs;
  }

  #layer(l: number, tensors: readonly Float32Array[]): Float32Array {
    const { output, terms, bias } = this.#network.layers[l];
    const sum = new Float32Array(elementsOf(output));
    const area = sum.length / bias.length;
    for (const [c, value] of bias.entries()) sum.fill(value, c * area, (c + 1) * area);
    for (const [t, { tensor, pool }] of terms.entries()) {
      const shape = termConvolution(this.#network, l, t);
      const input = pool === 'sum' ? sumOverMap(tensors[tensor], shape.channelsIn) : tensors[tensor];
      const product = convolveFloat(shape, input, this.#kernels[l][t]);
      for (let i = 0; i < sum.length; i++) sum[i] += product[i];
    }
    return sum;
  }
}

/** Applies the nonlinearities of a layer to its output. */
export function activated(
  output: Float32Array,
  { linear, square }: Pick<FloatLayer, 'linear' | 'square'>,
): Float32Array {
  const tensor = output.slice();
  for (let i = 0; i < tensor.length; i++) {
    if (square?.[i]) tensor[i] *= tensor[i];
    else if (tensor[i] < 0 && !linear?.[i]) tensor[i] = 0;
  }
  return tensor;
}

function sumOverMap(tensor: Float32Array, channels: number): Float32Array {
  const sums = new Float32Array(channels);
  const area = tensor.length / channels;
  for (let c = 0, i = 0; c < channels; c++) for (const end = i + area; i < end; i++) sums[c] += tensor[i];
  return sums;
}
