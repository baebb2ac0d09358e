import { SphynxError } from '../errors/sphynx-error.ts';
import { convolve } from '../kernels/convolution.ts';
import type { ModelCard } from './card.ts';
import { flagsOf } from './element-bitmap.ts';
import { elementsOf, termConvolution } from './geometry.ts';
import { exact, type LinearError, likely } from './linear-error.ts';
import type { FixedNetwork } from './network.ts';

/**
 * Evaluates a network bit-exactly in integers: the reference for the protocol, and the computation of the server's
 * share.
 */

/** A tensor [channels, height, width]: signed values, or one party's share mod 2^32. */
export type Tensor = Int32Array | Uint32Array;

/**
 * The carry that truncation of shares loses at one element (docs/protocol.md, section 1): the output is
 * floor((x + 2^f) / 2^f) - carry, and then its ReLU or its square unless the element is linear. On shares it is random, 0 with probability `fraction` =
 * (x mod 2^f + 1) / 2^f, which rounds x / 2^f stochastically and without bias.
 */
export type Carry = (layer: number, element: number, fraction: number) => 0 | 1;

/** Carries that round to nearest, which are the likeliest ones. */
export const nearest: Carry = (_layer, _element, fraction) => (fraction > 0.5 ? 0 : 1);

/** Carries as shares produce them. `random` gives numbers in [0, 1). */
export function stochastic(random: () => number): Carry {
  return (_layer, _element, fraction) => (random() < fraction ? 0 : 1);
}

/**
 * Computes one linear layer mod 2^32 over the tensors 0..n, of which only those that the layer reads must be given.
 * Linear in the tensors when 'without-bias': applied to two shares, the results are shares of the result. Returns [out
 * channels, height, width] at product scale. Throws 'protocol/length' on a tensor of the wrong size.
 */
export function linearLayer(
  network: FixedNetwork,
  layer: number,
  tensors: readonly Tensor[],
  bias: 'with-bias' | 'without-bias' = 'with-bias',
): Uint32Array<ArrayBuffer> {
  const { output, terms } = network.card.layers[layer];
  const sum = bias === 'with-bias' ? layerBias(network, layer) : new Uint32Array(elementsOf(output));
  for (const term of terms.keys()) addTerm(network, layer, term, tensors, sum);
  return sum;
}

/** Returns the bias of a linear layer at every output [out channels, height, width]. */
export function layerBias({ card, layers }: FixedNetwork, layer: number): Uint32Array<ArrayBuffer> {
  const { output } = card.layers[layer];
  const sum = new Uint32Array(elementsOf(output));
  const { bias } = layers[layer];
  const area = sum.length / bias.length;
  for (const [c, value] of bias.entries()) sum.fill(value, c * area, (c + 1) * area);
  return sum;
}

/** Adds one term of a linear layer to `sum`, mod 2^32. Throws 'protocol/length' if its tensor has the wrong size. */
export function addTerm(
  network: FixedNetwork,
  layer: number,
  term: number,
  tensors: readonly Tensor[],
  sum: Uint32Array,
): void {
  const { tensor, pool } = network.card.layers[layer].terms[term];
  const shape = termConvolution(network.card, layer, term);
  const whole = tensorOf(network, tensors, tensor);
  const input = pool === 'sum' ? sumOverMap(whole, shape.channelsIn) : whole;
  const product = convolve(shape, input, network.layers[layer].kernels[term]);
  for (let i = 0; i < sum.length; i++) sum[i] += product[i];
}

function tensorOf({ card }: FixedNetwork, tensors: readonly Tensor[], index: number): Tensor {
  const expected = elementsOf(index === 0 ? card.input : card.layers[index - 1].output);
  const got = tensors[index]?.length;
  if (got !== expected)
    throw new SphynxError(
      'protocol/length',
      `tensor ${index}: expected ${expected} values, got ${got ?? 'none'}`,
    );
  return tensors[index];
}

function sumOverMap(tensor: Tensor, channels: number): Uint32Array {
  const sums = new Uint32Array(channels);
  const area = tensor.length / channels;
  for (let i = 0; i < tensor.length; i++) sums[Math.floor(i / area)] += tensor[i];
  return sums;
}

/**
 * Applies the gadgets to a layer: from values at product scale [elements] to the next secret tensor. A ReLU wraps
 * around at k bits; linear elements and squared values do not, but agree with the gadgets only while -2^30 <= x < 2^30
 * - 2^f. A square wraps around at 32 bits.
 */
export function applyGadgets(
  card: ModelCard,
  layer: number,
  values: Tensor,
  carry: Carry,
): Int32Array<ArrayBuffer> {
  const { gadget, linear: bitmap, squares } = card.layers[layer];
  if (gadget === null) throw new SphynxError('internal', `layer ${layer} has no gadgets`);
  const linear = flagsOf(bitmap, values.length);
  const square = flagsOf(squares?.elements ?? null, values.length);
  const shift = squares?.shiftBits ?? 0;
  const unused = 32 - gadget.ringBits;
  const truncated = (i: number, dropBits: number, unit: number) => {
    const low = values[i] & (unit - 1);
    return (values[i] >> dropBits) + 1 - carry(layer, i, (low + 1) / unit);
  };
  const [unit, squareUnit] = [2 ** gadget.dropBits, 2 ** (squares?.dropBits ?? 0)];
  const out = new Int32Array(values.length);
  for (let i = 0; i < values.length; i++) {
    if (squares && square?.[i]) {
      const z = truncated(i, squares.dropBits, squareUnit);
      out[i] = Math.imul(z, z);
    } else {
      const x = truncated(i, gadget.dropBits, unit);
      out[i] = (linear?.[i] ? x : Math.max(0, (x << unused) >> unused)) << shift;
    }
  }
  return out;
}

/**
 * Runs the whole network on an image [channels, height, width] of integers, with given carries and errors of linear
 * layers, such as those of a private inference. `tensors` are the secret tensors, the image first; logits are in units
 * of 2^-logitScaleBits. Throws 'protocol/length' if the image has the wrong size.
 */
export function runInteger(
  network: FixedNetwork,
  image: Int32Array,
  carry: Carry,
  error: LinearError = exact,
): { logits: Int32Array; tensors: Int32Array[] } {
  const tensors = [image];
  const last = network.card.layers.length - 1;
  const values = (l: number) => {
    const sums = linearLayer(network, l, tensors);
    if (error !== exact) for (let i = 0; i < sums.length; i++) sums[i] += error(l, i);
    return sums;
  };
  for (let l = 0; l < last; l++) tensors.push(applyGadgets(network.card, l, values(l), carry));
  return { logits: new Int32Array(values(last).buffer), tensors };
}

/**
 * Computes mean and standard deviation of every logit over `runs` evaluations with random carries and errors: the
 * expected difference between a private inference and a plain one.
 */
export function stochasticRange(
  network: FixedNetwork,
  image: Int32Array,
  runs: number,
  random: () => number,
): { mean: Float64Array; deviation: Float64Array } {
  const once = () => runInteger(network, image, stochastic(random), likely(random)).logits;
  const results = Array.from({ length: runs }, once);
  const mean = new Float64Array(results[0].length);
  const deviation = new Float64Array(results[0].length);
  for (let i = 0; i < mean.length; i++) {
    for (const logits of results) mean[i] += logits[i] / runs;
    for (const logits of results) deviation[i] += (logits[i] - mean[i]) ** 2 / runs;
    deviation[i] = Math.sqrt(deviation[i]);
  }
  return { mean, deviation };
}

/**
 * Returns tensor 0 of a normalised input [channels, height, width]: round(x * 2^scaleBits), with the scale of its
 * channel.
 */
export function quantizeImage(card: ModelCard, normalised: Float32Array): Int32Array {
  const expected = elementsOf(card.input);
  if (normalised.length !== expected)
    throw new SphynxError('protocol/length', `input: expected ${expected} values, got ${normalised.length}`);
  const scales = card.preprocessing.scaleBits.map((bits) => 2 ** bits);
  const area = expected / scales.length;
  return Int32Array.from(normalised, (value, i) => Math.round(value * scales[Math.floor(i / area)]));
}
