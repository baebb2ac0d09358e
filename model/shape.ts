/** What a network consists of, as a model card says it: tensors, layers and their terms. No weights. */

/** Size of a tensor [channels, height, width], row-major. */
export interface Shape {
  /** Maps, or numbers of a vector. */
  readonly channels: number;
  /** Rows of each map. */
  readonly height: number;
  /** Columns of each map. */
  readonly width: number;
}

/**
 * One summand of a linear layer: the convolution of a secret tensor with a kernel [out, in, kernelHeight,
 * kernelWidth]. With groups, the channels of tensor and output fall into as many equal parts, and each output reads
 * those of its own part: the kernel is [out, in / groups, kernelHeight, kernelWidth]. Zero padding below and right
 * follows from the output's size. With pool 'sum' every channel of the tensor is summed over its map first, and the
 * kernel is 1x1.
 */
export interface TermShape {
  /** 0 is the image; l + 1 is what the nonlinearities of layer l give. */
  readonly tensor: number;
  /** 'sum': each channel of the tensor is summed over its map before the kernel. */
  readonly pool: 'none' | 'sum';
  /** Rows of the kernel. */
  readonly kernelHeight: number;
  /** Columns of the kernel. */
  readonly kernelWidth: number;
  /** Rows of the tensor from one row of the output to the next. */
  readonly strideY: number;
  /** Columns of the tensor from one column of the output to the next. */
  readonly strideX: number;
  /** Rows of zeros above the tensor. */
  readonly padTop: number;
  /** Columns of zeros left of the tensor. */
  readonly padLeft: number;
  /** Equal parts of the channels that do not mix. */
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
  /** Bits of the ring that the ReLU is computed in. */
  readonly ringBits: number;
  /** Low bits that are dropped before. */
  readonly dropBits: number;
}

/**
 * The squares of a layer. An element x at product scale becomes z^2 mod 2^32, with z = x / 2^dropBits: exact while
 * |x| < 2^30 - 2^dropBits. All other elements of the layer are multiplied by 2^shiftBits, so that those in a channel
 * with squares have the scale of these.
 */
export interface Squares {
  /** Which elements, as a bitmap (element-bitmap.ts). */
  readonly elements: string;
  /** Low bits that are dropped before an element is squared. */
  readonly dropBits: number;
  /** Bits by which the other elements are shifted up. */
  readonly shiftBits: number;
}

/** One linear layer of a card, and what follows it. */
export interface CardLayer extends LayerShape {
  /** null after the last layer, whose output is the logits. */
  readonly gadget: GadgetParameters | null;
  /** The elements that are linear, as a bitmap (element-bitmap.ts); null where none is. */
  readonly linear: string | null;
  /** null where no element is squared. */
  readonly squares: Squares | null;
}
