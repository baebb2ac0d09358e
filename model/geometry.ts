import type { Convolution } from '../kernels/convolution-shape.ts';
import { countFlags } from './element-bitmap.ts';
import type { CardLayer, LayerShape, Shape } from './shape.ts';

/** Sizes that follow from a network's shape. */

/**
 * The part of a network from which sizes are computed: model cards have it, and so do networks without weights or
 * scales.
 */
export interface NetworkShape {
  readonly input: Shape;
  readonly layers: readonly LayerShape[];
}

export function elementsOf({ channels, height, width }: Shape): number {
  return channels * height * width;
}

/** Returns a shape as a list, for runtimes. */
export function dimsOf({ channels, height, width }: Shape): [number, number, number] {
  return [channels, height, width];
}

/** Returns the shapes of the secret tensors: the image, then the output of every layer but the last. */
export function tensorShapes(network: NetworkShape): Shape[] {
  return [network.input, ...network.layers.slice(0, -1).map(({ output }) => output)];
}

/** Returns the convolution of a term, after its pooling. */
export function termConvolution(network: NetworkShape, layer: number, term: number): Convolution {
  const { output, terms } = network.layers[layer];
  const { tensor, pool, ...kernel } = terms[term];
  const from = tensor === 0 ? network.input : network.layers[tensor - 1].output;
  const map = pool === 'sum' ? { height: 1, width: 1 } : { height: from.height, width: from.width };
  return {
    channelsIn: from.channels,
    ...map,
    channelsOut: output.channels,
    ...kernel,
    outHeight: output.height,
    outWidth: output.width,
  };
}

/** Whether every window of the term's convolution touches its input, as in a real convolution of that size. */
export function outputFits(network: NetworkShape, layer: number, term: number): boolean {
  const c = termConvolution(network, layer, term);
  return (
    touches(c.height, c.kernelHeight, c.strideY, c.padTop, c.outHeight) &&
    touches(c.width, c.kernelWidth, c.strideX, c.padLeft, c.outWidth)
  );
}

/** Whether the term's groups divide its channels. */
export function groupsFit(network: NetworkShape, layer: number, term: number): boolean {
  const { channelsIn, channelsOut, groups } = termConvolution(network, layer, term);
  return channelsIn % groups === 0 && channelsOut % groups === 0;
}

function touches(size: number, kernel: number, stride: number, pad: number, out: number): boolean {
  return pad < kernel && (out - 1) * stride - pad < size;
}

/** Weights of one term: [out, in / groups, kernelHeight, kernelWidth]. */
export function termWeights(network: NetworkShape, layer: number, term: number): number {
  const { channelsIn, channelsOut, kernelHeight, kernelWidth, groups } = termConvolution(
    network,
    layer,
    term,
  );
  return channelsOut * (channelsIn / groups) * kernelHeight * kernelWidth;
}

export function countWeights(network: NetworkShape): number {
  return sumTerms(network, (layer, term) => termWeights(network, layer, term));
}

/** Multiply-accumulates of one evaluation, padding included. */
export function countMacs(network: NetworkShape): number {
  return sumTerms(network, (layer, term) => {
    const { height, width } = network.layers[layer].output;
    return termWeights(network, layer, term) * height * width;
  });
}

/** Elements of all layers but the last that are neither linear nor squares. */
export function countRelus({ layers }: { layers: readonly NonlinearLayer[] }): number {
  return layers.slice(0, -1).reduce((sum, layer) => sum + reluCount(layer), 0);
}

/** Elements of a layer, which is not the last, that have a ReLU. */
export function reluCount({ output, linear, squares }: NonlinearLayer): number {
  return elementsOf(output) - countFlags(linear) - countFlags(squares?.elements ?? null);
}

type NonlinearLayer = Pick<CardLayer, 'output' | 'linear' | 'squares'>;

function sumTerms(network: NetworkShape, measure: (layer: number, term: number) => number): number {
  return network.layers.reduce(
    (sum, { terms }, layer) => sum + terms.reduce((part, _, term) => part + measure(layer, term), 0),
    0,
  );
}
