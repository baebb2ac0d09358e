import type { LayerShape, TermShape } from './shape.ts';

/** The terms of collapsed layers, from the convolutions and average pools they were before. */

/** A linear map that reads one secret tensor: what it reaches of it, and the side of the map it gives. */
export interface Path {
  readonly tensor: number;
  readonly side: number;
  readonly kernel: number;
  readonly stride: number;
  readonly pad: number;
}

/** A tensor as it is. */
export function itself(tensor: number, side: number): Path {
  return { tensor, side, kernel: 1, stride: 1, pad: 0 };
}

/** A path followed by a convolution or a pool. */
export function then(path: Path, kernel: number, stride: number, pad: number): Path {
  return {
    tensor: path.tensor,
    side: path.side / stride,
    kernel: (kernel - 1) * path.stride + path.kernel,
    stride: path.stride * stride,
    pad: pad * path.stride + path.pad,
  };
}

export function termOf({ tensor, kernel, stride, pad }: Path): TermShape {
  const spatial = { kernelHeight: kernel, kernelWidth: kernel, padTop: pad, padLeft: pad };
  return { tensor, pool: 'none', strideY: stride, strideX: stride, ...spatial, groups: 1 };
}

/** The last layer of a network that pools its last map. */
export function classifierOf(tensor: number, classes: number): LayerShape {
  const kernel = { kernelHeight: 1, kernelWidth: 1, strideY: 1, strideX: 1, padTop: 0, padLeft: 0 };
  return {
    name: 'classifier',
    output: { channels: classes, height: 1, width: 1 },
    terms: [{ tensor, pool: 'sum', ...kernel, groups: 1 }],
  };
}
