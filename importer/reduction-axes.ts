import type { AffineValue } from './affine.ts';
import { axesOf, axisOf } from './axes.ts';
import type { NodeInputs } from './node-inputs.ts';

/** The axes over which a node reduces a value, all if it names none, and whether they are kept as axes of size 1. */
export function reductionOf(
  inputs: NodeInputs,
  { layout }: AffineValue,
): { axes: readonly number[]; keep: boolean } {
  const { node } = inputs;
  const keep = node.integer('keepdims', 1) !== 0;
  const named = axesOf(inputs, 1, 'axes') ?? [];
  if (named.length > 0)
    return { axes: [...new Set(named.map((axis) => axisOf(axis, layout.length, node)))], keep };
  return { axes: node.integer('noop_with_empty_axes', 0) !== 0 ? [] : [...layout.keys()], keep };
}
