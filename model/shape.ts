/** What a network consists of, as a model card says it: tensors, layers and their terms. No weights. */

/** Size of a tensor [channels, height, width], row-major. */
export interface Shape {
  /** Number of maps, or of the numbers of a vector. */
  readonly channels: number;
  /** Rows of each map. */
  readonly height: number;
  /** Columns of each map. */
  readonly width: number;
}

/**
 * One summand of a linear layer: the convolution of a secret tensor with a kernel [out, in, kernelHeight, kernelWidth].
 * With groups, the channels of tensor and output are divided into as many equal parts, and each output reads the
 * channels of its own part: the kernel is [out, in / groups, kernelHeight, kernelWidth]. Zero padding below and right
 * follows from the output's size. With pool 'sum' every channel of the tensor is summed over its map first, and the
 * kernel is 1x1.
 */
export interface TermShape {
  /** Index of the tensor: 0 is the image, and l + 1 the output of the nonlinearities of layer l. */
  readonly tensor: number;
  /** 'sum': each channel of the tensor is summed over its map before the kernel. */
  readonly pool: 'none' | 'sum';
  /** Rows of the kernel. */
  readonly kernelHeight: number;
  /** Columns of the kernel. */
  readonly kernelWidth: number;
  /** Stride in rows of the tensor. */
  readonly strideY: number;
  /** Stride in columns of the tensor. */
  readonly strideX: number;
  /** Rows of zeros above the tensor. */
  readonly padTop: number;
  /** Columns of zeros left of the tensor. */
  readonly padLeft: number;
  /** Number of equal parts of the channels, which do not mix. */
  readonly groups: number;
}

/** A linear layer: the sum of its terms plus a bias. All but the last are followed by nonlinearities. */
export interface LayerShape {
  /** Name of the layer's activation in the network's file. */
  readonly name: string;
  /** Size of the layer's output. */
  readonly output: Shape;
  /** Summands of the layer. */
  readonly terms: readonly TermShape[];
}

/**
 * The ReLUs after a layer drop f = dropBits low bits and work on k = ringBits: exact while |x / 2^f| < 2^(k-1).
 * Its linear elements only drop the bits: exact while |x| < 2^30 - 2^f.
 */
export interface GadgetParameters {
  /** k: bits of the ring in which the ReLU is computed. */
  readonly ringBits: number;
  /** f: low bits that are dropped first. */
  readonly dropBits: number;
}

/**
 * The squares of a layer. An element x at product scale becomes z^2 mod 2^32, with z = x / 2^dropBits: exact while
 * |x| < 2^30 - 2^dropBits. All other elements of the layer are multiplied by 2^shiftBits, so that all elements of a
 * channel with squares have one scale.
 */
export interface Squares {
  /** The squared elements, as a bitmap (element-bitmap.ts). */
  readonly elements: string;
  /** Low bits that are dropped before an element is squared. */
  readonly dropBits: number;
  /** Bits by which the other elements are shifted up. */
  readonly shiftBits: number;
}

/** One linear layer of a card, with its nonlinearities. */
export interface CardLayer extends LayerShape {
  /** null after the last layer, whose output is the logits. */
  readonly gadget: GadgetParameters | null;
  /** The linear elements, as a bitmap (element-bitmap.ts); null if there are none. */
  readonly linear: string | null;
  /** null if no element is squared. */
  readonly squares: Squares | null;
}
