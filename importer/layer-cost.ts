import { elementsOf } from '../model/geometry.ts';
import { weightsOf } from './affine.ts';
import type { PendingLayer } from './pending-layer.ts';

/**
 * The cost that the composer minimises if a network can be run in several ways: its online time on a network of 40 ms
 * and 100 Mbit/s, expressed in bytes that this network carries meanwhile. The constants are fixed, because the same
 * file must give the same layers on every machine.
 */

/** One round trip. */
const ROUND_BYTES = 500_000;

/** Per element, both directions, 12-bit ReLUs with digits of two bits (crypto/garbling/gadget.ts, protocol/plan.ts). */
export const RELU_BYTES = 100;
export const RESCALE_BYTES = 20;
export const SQUARE_BYTES = 28;

/** Products of the online phase that take as long as a byte: 4 G a second, a fifth of what one core does at best. */
const MACS_PER_BYTE = 320;

/** Cost of a weight itself: the server holds it in memory and multiplies ciphertexts by it for every bundle. */
const BYTES_PER_WEIGHT = 0.25;

/** Returns the bytes that take as long as one inference; the last layer gives the logits. */
export function costOf(layers: readonly PendingLayer[]): number {
  const gadgets = layers.slice(0, -1).reduce((sum, layer) => sum + gadgetCost(layer), 0);
  return gadgets + linearCost(layers);
}

/** The same without the cost of nonlinearities, which does not change when layers are merged. */
export function linearCost(layers: readonly PendingLayer[]): number {
  let products = 0;
  let weights = 0;
  for (const { value } of layers) {
    const own = weightsOf(value);
    weights += own;
    products += own * value.shape.height * value.shape.width;
  }
  return layers.length * ROUND_BYTES + products / MACS_PER_BYTE + weights * BYTES_PER_WEIGHT;
}

/** Flags that were counted before: layers are priced again and again while cuts are chosen. */
const counted = new WeakMap<Uint8Array, number>();

function countOf(flags: Uint8Array): number {
  let count = counted.get(flags);
  if (count === undefined) {
    count = 0;
    for (let i = 0; i < flags.length; i++) count += flags[i];
    counted.set(flags, count);
  }
  return count;
}

/** Bytes online of a layer's ReLUs, linear elements and squares. */
export function gadgetCost({ value, linear, square }: PendingLayer): number {
  const elements = elementsOf(value.shape);
  const passed = linear ? countOf(linear) : 0;
  const squared = square ? countOf(square) : 0;
  return RELU_BYTES * (elements - passed - squared) + RESCALE_BYTES * passed + SQUARE_BYTES * squared;
}
