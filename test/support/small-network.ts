import { classifierOf } from '../../fixtures/layer-paths.ts';
import { randomNetwork } from '../../fixtures/random-network.ts';
import { seededRandom } from '../../fixtures/seeded-random.ts';
import type { FixedNetwork } from '../../model/network.ts';
import type { LayerShape, Shape, TermShape } from '../../model/shape.ts';

/**
 * A small network of `depth` layers with several terms, uneven padding and strides, as far as the format allows.
 * `linear`, `square`: the shares of every layer's elements that are linear and squared.
 */
export function randomSmallNetwork(seed: number, depth = 3, linear = 0, square = 0): FixedNetwork {
  const random = seededRandom(seed);
  const upTo = (most: number) => 1 + Math.floor(random() * most);
  const input = { channels: upTo(3), height: 4 + upTo(4), width: 4 + upTo(4) };
  const tensors: Shape[] = [input];
  const layers: LayerShape[] = [];
  for (let l = 0; l < depth; l++) {
    const output = { channels: upTo(6), height: 2 + upTo(3), width: 2 + upTo(3) };
    const terms = Array.from({ length: upTo(3) }, () => {
      const tensor = Math.floor(random() * tensors.length);
      return randomTerm(tensor, tensors[tensor], output, upTo);
    });
    layers.push({ name: `layer-${l}`, output, terms });
    tensors.push(output);
  }
  layers.push(classifierOf(depth, upTo(10)));
  return randomNetwork(`random-${seed}`, input, layers, seed, { linear, square });
}

function randomTerm(tensor: number, from: Shape, to: Shape, upTo: (most: number) => number): TermShape {
  const stride = (size: number, out: number) => upTo(Math.max(1, Math.floor(size / (out - 1))));
  const strideY = stride(from.height, to.height);
  const strideX = stride(from.width, to.width);
  const [kernelHeight, kernelWidth] = [upTo(5), upTo(5)];
  // Enough padding above that the last window still touches the map.
  const pad = (kernel: number, size: number, stride: number, out: number) =>
    Math.max(upTo(kernel) - 1, (out - 1) * stride - size + 1);
  const padTop = pad(kernelHeight, from.height, strideY, to.height);
  const padLeft = pad(kernelWidth, from.width, strideX, to.width);
  const divisors = [1, 2, 3].filter((groups) => from.channels % groups === 0 && to.channels % groups === 0);
  return {
    tensor,
    pool: 'none',
    strideY,
    strideX,
    kernelHeight: Math.max(kernelHeight, padTop + 1),
    kernelWidth: Math.max(kernelWidth, padLeft + 1),
    padTop,
    padLeft,
    groups: divisors[upTo(divisors.length) - 1],
  };
}
