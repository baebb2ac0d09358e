import type { Constant } from '../onnx-constant.ts';
import type { OnnxNode } from '../onnx-node.ts';

/** The algebra on which pointwise operators act: degrees, or coefficients. */
export interface Algebra<Form> {
  constant(constant: Constant): Form;
  /** null if the sum or the product is not a valid form. */
  sum(a: Form, b: Form): Form | null;
  product(a: Form, b: Form): Form | null;
  /** 1 / a; null if a is not a constant. */
  inverse(a: Form): Form | null;
  /** The ReLU of the value `name`. */
  relu(a: Form, name: string): Form | null;
}

/** The input at `index`, if it is a constant of one number. */
export function scalarInput(
  { inputs }: OnnxNode,
  index: number,
  constants: ReadonlyMap<string, Constant>,
): number | undefined {
  const constant = constants.get(inputs[index] ?? '');
  return constant?.dims.every((size) => size === 1) ? constant.values[0] : undefined;
}

/** Returns the form of a node's output from those of its inputs; null if the algebra lacks the operator. */
export function applied<Form>(
  node: OnnxNode,
  inputs: readonly Form[],
  algebra: Algebra<Form>,
  constants: ReadonlyMap<string, Constant>,
): Form | null {
  const minusOne = () => algebra.constant({ dims: [], values: Float64Array.of(-1) });
  const [a, b] = inputs;
  // Files may be broken.
  if (inputs.length < (['Sub', 'Mul', 'Div', 'Pow'].includes(node.type) ? 2 : 1)) return null;
  switch (node.type) {
    case 'Identity':
      return a;
    case 'Add':
    case 'Sum':
      return inputs.slice(1).reduce<Form | null>((sum, term) => sum && algebra.sum(sum, term), a);
    case 'Sub': {
      const negative = algebra.product(b, minusOne());
      return negative && algebra.sum(a, negative);
    }
    case 'Neg':
      return algebra.product(a, minusOne());
    case 'Mul':
      return algebra.product(a, b);
    case 'Div': {
      const inverse = algebra.inverse(b);
      return inverse && algebra.product(a, inverse);
    }
    case 'Pow': {
      const exponent = scalarInput(node, 1, constants);
      return exponent === 1 ? a : exponent === 2 ? algebra.product(a, a) : null;
    }
    case 'Relu':
      return algebra.relu(a, node.inputs[0]);
    default:
      return null;
  }
}
