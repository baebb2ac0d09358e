import type { AffineValue } from './affine.ts';
import { type Constant, formatError } from './onnx-constant.ts';
import type { OnnxNode } from './onnx-node.ts';
import { unsupported } from './refusals.ts';
import { settled } from './relayout.ts';
import type { Segments } from './rewrites/segments.ts';

/** A node as the importer's operators see it: attributes, and inputs that are values or constants. */
export interface NodeInputs {
  readonly node: OnnxNode;
  /** Returns an input that depends on the image. Throws 'model/unsupported' if it is a constant. */
  value(index: number): AffineValue;
  /** The same, possibly with pending factors. */
  unsettled(index: number): AffineValue;
  /** Returns an input that does not. Throws 'model/unsupported' if it is computed, 'model/format' if it is missing. */
  constant(index: number): Constant;
  /** Whether the input is given and does not depend on the image. */
  isConstant(index: number): boolean;
  /** Whether the input is given. */
  has(index: number): boolean;
}

/** One ONNX operator as a map of affine values, or several where it has several outputs. Throws 'model/unsupported' with the reason alone: the importer names the node. */
export type Operator = (inputs: NodeInputs, segments: Segments) => AffineValue | readonly AffineValue[];

/** A lookup by name. */
export type Lookup<T> = Pick<ReadonlyMap<string, T>, 'get'>;

/** Returns the inputs of `node` among all values and constants known so far. */
export function inputsOf(
  node: OnnxNode,
  values: Lookup<AffineValue>,
  constants: Lookup<Constant>,
): NodeInputs {
  const name = (index: number) => node.inputs[index] ?? '';
  const missing = (index: number) =>
    formatError(`node ${node.label} reads ${JSON.stringify(name(index))}, which nothing defines`);
  const unsettled = (index: number) => {
    const value = values.get(name(index));
    if (value) return value;
    throw constants.get(name(index))
      ? unsupported(
          `its input ${index} is a constant: let it read what is computed from the image, and fold constants when exporting`,
        )
      : missing(index);
  };
  return {
    node,
    has: (index) => name(index) !== '',
    isConstant: (index) => constants.get(name(index)) !== undefined,
    value: (index) => settled(unsettled(index)),
    unsettled,
    constant: (index) => {
      const constant = constants.get(name(index));
      if (constant) return constant;
      throw values.get(name(index))
        ? unsupported(
            `its input ${index} depends on the image, where trained constants are needed: products of two computed values, as in attention, have no protocol here`,
          )
        : missing(index);
    },
  };
}

/** A constant with one value per channel. Throws 'model/format' on another length. */
export function perChannel({ node, constant }: NodeInputs, index: number, channels: number): Float64Array {
  const { values } = constant(index);
  if (values.length !== channels)
    throw formatError(
      `node ${node.label}: input ${index} has ${values.length} values for ${channels} channels`,
    );
  return Float64Array.from(values);
}
