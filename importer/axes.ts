import type { NodeInputs } from './node-inputs.ts';
import { formatError } from './onnx-constant.ts';
import type { OnnxNode } from './onnx-node.ts';

/** Returns an axis counted from 0. Throws 'model/format' if it does not exist. */
export function axisOf(axis: number, rank: number, node: OnnxNode): number {
  const counted = axis < 0 ? axis + rank : axis;
  if (!(Number.isInteger(counted) && counted >= 0 && counted < rank))
    throw formatError(`node ${node.label}: axis ${axis} of ${rank}`);
  return counted;
}

/** Integers of an input or, in older files, of the attribute `name`; null if neither is given. */
export function axesOf(inputs: NodeInputs, index: number, name: string): number[] | null {
  if (inputs.has(index)) return [...inputs.constant(index).values];
  return inputs.node.has(name) ? inputs.node.integers(name, [], null) : null;
}
