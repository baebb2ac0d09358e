import type { AffineValue } from './affine.ts';
import { einsum } from './einsum.ts';
import { permuted, sizesOf } from './layout.ts';
import type { NodeInputs, Operator } from './node-inputs.ts';
import { formatError } from './onnx-constant.ts';
import { ranked } from './ranked.ts';
import { unsupported } from './refusals.ts';
import { contracted } from './relayout.ts';
import { shiftedBy } from './scale.ts';

/** ONNX matrix products (onnx/docs/Operators.md): one axis of a value times constant weights. */
export const PRODUCT_OPERATORS: Record<string, Operator> = {
  Gemm: (inputs) => {
    const { node } = inputs;
    const alpha = node.float('alpha', 1);
    const beta = node.float('beta', 1);
    const given = inputs.isConstant(0) ? undefined : inputs.unsettled(0);
    if (given && given.layout.length !== 2)
      throw unsupported(
        `its input of ${sizesOf(given.layout).join('x')} is not a vector: put a Flatten before it`,
      );
    const transA = node.integer('transA', 0) !== 0;
    const value = given && transA ? { ...given, layout: permuted(given.layout, [1, 0]) } : given;
    const product = value
      ? fromRight(inputs, value, node.integer('transB', 0) !== 0, alpha)
      : fromLeft(inputs, transA, node.integer('transB', 0) !== 0, alpha);
    if (!inputs.has(2)) return product;
    if (!inputs.isConstant(2)) throw unsupported('its bias depends on the image: use an Add after it');
    const { dims, values } = inputs.constant(2);
    return shiftedBy(product, { dims, values: Float64Array.from(values, (b) => beta * b) });
  },

  Einsum: einsum,

  MatMul: (inputs) =>
    inputs.isConstant(0)
      ? fromLeft(inputs, false, false, 1)
      : fromRight(inputs, inputs.unsettled(0), false, 1),
};

/** A value times weights [in, out], or [out, in] if they are transposed: along its last axis. */
function fromRight(inputs: NodeInputs, value: AffineValue, transposed: boolean, factor: number): AffineValue {
  const at = value.layout.length - 1;
  const weights = matrixOf(inputs, 1);
  const vector = weights.rank === 1;
  const [depth, outputs] = vector
    ? [weights.columns, 1]
    : transposed
      ? [weights.columns, weights.rows]
      : [weights.rows, weights.columns];
  check(inputs, depth, value, at);
  const { values, columns } = weights;
  const product = contracted(value, at, {
    outputs,
    at: (i, o) => factor * values[vector ? i : transposed ? o * columns + i : i * columns + o],
  });
  return vector
    ? { ...product, layout: product.layout.toSpliced(at, 1) }
    : grown(product, value, weights.rank);
}

/** A product with the leading axes of weights that have more than the value. */
function grown(product: AffineValue, { layout }: AffineValue, weights: number): AffineValue {
  return ranked(product, layout.length === 1 ? weights - 1 : weights);
}

/** Weights [out, in], or [in, out] if they are transposed, times a value: along its last axis but one. */
function fromLeft(
  inputs: NodeInputs,
  transposed: boolean,
  transposedValue: boolean,
  factor: number,
): AffineValue {
  const given = inputs.unsettled(1);
  const value = transposedValue ? { ...given, layout: permuted(given.layout, [1, 0]) } : given;
  const vector = value.layout.length === 1;
  const at = vector ? 0 : value.layout.length - 2;
  const { rank, rows, columns, values } = matrixOf(inputs, 0);
  const [outputs, depth] = transposed ? [columns, rows] : [rows, columns];
  check(inputs, depth, value, at);
  const product = contracted(value, at, {
    outputs,
    at: (i, o) => factor * values[transposed ? i * columns + o : o * columns + i],
  });
  return rank === 1 ? { ...product, layout: product.layout.toSpliced(at, 1) } : grown(product, value, rank);
}

function matrixOf(inputs: NodeInputs, index: number) {
  const { dims, values } = inputs.constant(index);
  if (dims.length < 1 || dims.slice(0, -2).some((size) => size !== 1))
    throw unsupported(
      `its weights of ${dims.join('x')} are several matrices: use a grouped Conv of 1x1 for different ones`,
    );
  const [rows, columns] = dims.length === 1 ? [1, dims[0]] : dims.slice(-2);
  return { rank: dims.length, rows, columns, values };
}

function check({ node }: NodeInputs, depth: number, { layout }: AffineValue, at: number): void {
  const sizes = sizesOf(layout);
  if (sizes[at] !== depth)
    throw formatError(`node ${node.label}: weights for ${depth} numbers and an input of ${sizes.join('x')}`);
}
