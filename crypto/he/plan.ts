/** The types of a plan of ciphertexts, which `packing.ts` computes. */

import type { Layout } from './layout.ts';
import type { Axis } from './phases.ts';

/** Size of a tensor [channels, height, width], row-major. */
export interface HeShape {
  readonly channels: number;
  readonly height: number;
  readonly width: number;
}

/**
 * Convolution of a tensor with a kernel [out, in / groups, kernelHeight, kernelWidth], where each output reads the
 * channels of its own of `groups` equal parts; zero padding is implicit. A fully connected map is 1x1 on a 1x1 map.
 */
export interface HeTerm {
  readonly tensor: number;
  readonly kernelHeight: number;
  readonly kernelWidth: number;
  readonly strideY: number;
  readonly strideX: number;
  readonly padTop: number;
  readonly padLeft: number;
  readonly groups: number;
}

/** A linear layer: the sum of its terms. */
export interface HeLayer {
  readonly output: HeShape;
  readonly terms: readonly HeTerm[];
}

/**
 * How tensors are laid out in ciphertexts: public, and computed by both parties from shapes alone, so that every
 * count and length is fixed before anything is sent.
 */
export interface HePlan {
  /** For each tensor, the ciphertexts of the client. */
  readonly tensors: readonly TensorPacking[];
  /** For each layer, the ciphertexts that the server returns. */
  readonly layers: readonly { readonly parts: readonly PartPacking[] }[];
}

/**
 * The ciphertexts of one tensor: the seed of their public halves, then the ciphertexts of its encodings, one after
 * another.
 */
export interface TensorPacking {
  readonly shape: HeShape;
  readonly encodings: readonly Encoding[];
  readonly ciphertexts: number;
  readonly bytes: number;
}

/** A tensor as layers with the same strides read it: maps of its phases (`phases.ts`), phase by phase, channel by channel. */
export interface Encoding {
  readonly strideY: number;
  readonly strideX: number;
  readonly phases: readonly Phase[];
  readonly layout: Layout;
  /** Polynomials per tile: ceil(maps / layout.channelsIn). */
  readonly groups: number;
  /** Index of its first ciphertext; that of group g of tile t is first + t * groups + g. */
  readonly first: number;
}

/** The elements whose row is `row` modulo strideY and whose column is `column` modulo strideX. */
export interface Phase {
  readonly row: number;
  readonly column: number;
}

/**
 * Output ciphertexts that sum those terms of a layer that have equal positions. A layer's output is the sum of its
 * parts; nearly always there is one.
 */
export interface PartPacking {
  /** Indices into the layer's terms; the arguments of `evaluatePart` are in this order. */
  readonly terms: readonly number[];
  readonly sources: readonly PartTerm[];
  readonly output: HeShape;
  readonly layout: Layout;
  /** Output channels of one ciphertext. */
  readonly channelsOut: number;
  /** Channel groups: ceil(output.channels / channelsOut). */
  readonly groups: number;
  /** The layout's tiles that hold outputs. The ciphertext of group g of the i-th of them has index g * tiles.length + i. */
  readonly tiles: readonly number[];
  readonly ciphertexts: number;
  readonly bytes: number;
}

/** A term of a part: which encoding of its tensor it reads, and its kernel along both axes. */
export interface PartTerm {
  readonly shape: HeShape;
  readonly encoding: Encoding;
  readonly rows: Axis;
  readonly columns: Axis;
  readonly groups: number;
}
