import { type AffineValue, addValues, scaleValue } from './affine.ts';
import { aligned } from './align.ts';
import { sizesOf } from './layout.ts';
import { type NodeInputs, type Operator, perChannel } from './node-inputs.ts';
import { formatError } from './onnx-constant.ts';
import { unsupported } from './refusals.ts';
import { scaledBy, shiftedBy } from './scale.ts';

/** ONNX operators that work element by element (onnx/docs/Operators.md), as maps of affine values. */
export const ARITHMETIC_OPERATORS: Record<string, Operator> = {
  Identity: (inputs) => inputs.unsettled(0),

  /** Of types, only those of floats. */
  Cast: (inputs) => {
    const to = inputs.node.integer('to', 1);
    if (![1, 10, 11, 16].includes(to))
      throw unsupported('it rounds a value that depends on the image to integers: remove the Cast');
    return inputs.unsettled(0);
  },

  Dropout: (inputs) => {
    if (inputs.has(2) && inputs.constant(2).values[0] !== 0)
      throw unsupported('it is in training mode: export model.eval()');
    return inputs.unsettled(0);
  },

  BatchNormalization: (inputs) => {
    const { node } = inputs;
    if (node.integer('training_mode', 0) !== 0)
      throw unsupported('it is in training mode: export model.eval()');
    const value = inputs.unsettled(0);
    const channels = sizesOf(value.layout)[1] ?? 1;
    const [gamma, beta, mean, variance] = [1, 2, 3, 4].map((index) => perChannel(inputs, index, channels));
    const epsilon = node.float('epsilon', 1e-5);
    const factors = Float64Array.from(gamma, (g, c) => g / Math.sqrt(variance[c] + epsilon));
    if (!factors.every(Number.isFinite)) throw formatError(`node ${node.label}: a negative or zero variance`);
    const dims = [channels, ...new Array<number>(Math.max(0, value.layout.length - 2)).fill(1)];
    const scaled = scaledBy(value, { dims, values: factors });
    return shiftedBy(scaled, { dims, values: Float64Array.from(beta, (b, c) => b - mean[c] * factors[c]) });
  },

  Add: (inputs) => sumOf(inputs, 1),
  Sub: (inputs) => sumOf(inputs, -1),
  Sum: (inputs) => sumOf(inputs, 1),
  Mean: (inputs) => scaleValue(sumOf(inputs, 1), 1 / inputs.node.inputs.length),
  Neg: (inputs) => scaleValue(inputs.unsettled(0), -1),

  Mul: (inputs) => {
    const [value, constant] = inputs.isConstant(0) ? [1, 0] : [0, 1];
    if (!inputs.isConstant(constant)) throw unsupported(PRODUCT);
    return scaledBy(inputs.unsettled(value), inputs.constant(constant));
  },

  Div: (inputs) => {
    if (!inputs.isConstant(1)) throw unsupported(QUOTIENT);
    const { dims, values } = inputs.constant(1);
    const factors = Float64Array.from(values, (d) => 1 / d);
    if (!factors.every(Number.isFinite)) throw formatError(`node ${inputs.node.label} divides by zero`);
    return scaledBy(inputs.unsettled(0), { dims, values: factors });
  },

  Pow: (inputs) => {
    const exponent = inputs.isConstant(1) ? inputs.constant(1).values : [];
    if (exponent.length === 1 && exponent[0] === 1) return inputs.unsettled(0);
    throw unsupported(
      'only the powers 1 and 2 of values that depend on the image have a protocol here: put a square or a Relu in its place and train a few more epochs',
    );
  },
};

export const PRODUCT =
  'it multiplies two values that depend on the image, as attention, gates, squeeze-and-excitation and powers above 2 do: leave it out, or put convolutions in its place, and train again; products are run with constants, as masks of a Relu, and of a value with itself';
export const QUOTIENT =
  'it divides by a value that depends on the image, as normalisations by its own statistics do: divide by trained constants, or put a BatchNormalization in its place and train a few more epochs';

/** The sum of all inputs, those after the first times `sign`; some may be constants. */
function sumOf(inputs: NodeInputs, sign: 1 | -1): AffineValue {
  const { node } = inputs;
  if (node.inputs.length === 0) throw formatError(`node ${node.label} has no inputs`);
  const indices = [...node.inputs.keys()];
  const signOf = (index: number) => (index > 0 ? sign : 1);
  const computed = indices.filter((index) => !inputs.isConstant(index));
  if (computed.length === 0) inputs.value(0);
  const only = computed.length === 1;
  const values = computed.map((index) =>
    scaleValue(only ? inputs.unsettled(index) : inputs.value(index), signOf(index)),
  );
  const sum = only ? values[0] : aligned(values).reduce(addValues);
  return indices
    .filter((index) => inputs.isConstant(index))
    .reduce((value, index) => shiftedBy(value, inputs.constant(index), signOf(index)), sum);
}
