import { elementsOf } from '../geometry.ts';
import { weightsOf } from './affine.ts';
import type { PendingLayer } from './pending-layer.ts';

/**
 * What the composer minimises where a network can be run in several ways: its time online on a network of 40 ms and
 * 100 Mbit/s, in bytes that this network carries meanwhile. It decides nothing but that, so the constants are fixed:
 * the same file must give the same layers on every machine.
 */

/** One round trip. */
const ROUND_BYTES = 500_000;

/** Per element, both directions, 12-bit ReLUs with digits of two bits (crypto/garbling/gadget.ts, protocol/plan.ts). */
export const RELU_BYTES = 100;
export const RESCALE_BYTES = 20;

/** Products of the online phase that take as long as a byte: 4 G a second, a fifth of what one core does at best. */
const MACS_PER_BYTE = 320;

/** Bytes that take as long as one inference; the last layer gives the logits. */
export function costOf(layers: readonly PendingLayer[]): number {
  const gadgets = layers.slice(0, -1).reduce((sum, layer) => sum + gadgetCost(layer), 0);
  const products = layers.reduce(
    (sum, { value }) => sum + weightsOf(value) * value.shape.height * value.shape.width,
    0,
  );
  return layers.length * ROUND_BYTES + gadgets + products / MACS_PER_BYTE;
}

/** Bytes online of a layer's ReLUs and linear elements. */
export function gadgetCost({ value, linear }: PendingLayer): number {
  const elements = elementsOf(value.shape);
  const passed = linear?.reduce((sum, flag) => sum + flag, 0) ?? 0;
  return RELU_BYTES * (elements - passed) + RESCALE_BYTES * passed;
}
