import type { OwnedBytes } from '../kernels/release.ts';

/** The messages between the two roles: pieces of tensors, in an order that the plan fixes. */

/** Largest payload of one segment (bytes): small enough to start work early, large enough to cost little. */
export const SEGMENT_BYTES = 1 << 20;

/**
 * Free bytes in front of a segment's data in its buffer, if there are any, so that the data can be framed without a
 * copy.
 */
export const SEGMENT_HEADROOM = 64;

/** Every kind of tensor on the wire, with its sender. The position in this list, counted from 1, is its number in the proto. */
export const SEGMENT_KINDS = [
  'public-key', // client: its half of the HE public key, once per session
  'base-ot-message', // client: first message of the base OTs, once per session
  'base-ot-reply', // server: second message of the base OTs, once per session
  'nonce', // server: the bundle's public nonce, from which the hash keys derive
  'input-ciphertexts', // client: Enc(r) of one HE tensor
  'output-ciphertexts', // server: Enc(W r + s) of one linear layer
  'ot-matrix', // client: OT extension matrices for the chunks of a ReLU layer, or for the argmax over the logits
  'ot-challenge', // server: the challenge of the check of these matrices
  'garbled-tables', // server: garbled tables for the same
  'masked-input', // client: x_0 - r_0
  'server-labels', // server: digit keys for one chunk of a ReLU layer, or labels and output colours for the argmax
  'masked-activations', // client: its replies v - r for one chunk, or d and E of squares
  'logit-share', // server: its share of the last layer's output, where the client learns the logits
  'ot-trees', // client: sums over its OT trees and the proof that they are sound, once per session
  'ot-proof', // client: the proof that each matrix of a layer stands for one set of choices
  'public-key-seed', // server: seed of its half of the HE public key, once per session
] as const;

/** Kind of tensor that a segment belongs to: one of the names in SEGMENT_KINDS (`protocol/segment.ts`). */
export type SegmentKind = (typeof SEGMENT_KINDS)[number];

/** A piece of the tensor (kind, layer): `data` belongs at byte `offset` of it. At most SEGMENT_BYTES of data. */
export interface Segment {
  readonly kind: SegmentKind;
  /** Layer, or HE tensor for 'input-ciphertexts'; 0 if there is only one. */
  readonly layer: number;
  readonly offset: number;
  readonly data: OwnedBytes;
}
