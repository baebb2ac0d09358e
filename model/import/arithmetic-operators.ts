import { elementsOf } from '../geometry.ts';
import { type AffineValue, addBias, addValues, scaleChannels, scaleValue } from './affine.ts';
import { perChannelBias } from './bias.ts';
import { broadcast } from './broadcast.ts';
import { type NodeInputs, type Operator, perChannel } from './node-inputs.ts';
import { type Constant, formatError } from './onnx-constant.ts';
import { unsupported } from './refusals.ts';
import { dimsOf } from './view.ts';

/** ONNX operators that work element by element (onnx/docs/Operators.md), as maps of affine values. */
export const ARITHMETIC_OPERATORS: Record<string, Operator> = {
  Identity: (inputs) => inputs.value(0),

  Dropout: (inputs) => {
    if (inputs.has(2) && inputs.constant(2).values[0] !== 0)
      throw unsupported('it is in training mode: export model.eval()');
    return inputs.value(0);
  },

  BatchNormalization: (inputs) => {
    const { node } = inputs;
    if (node.integer('training_mode', 0) !== 0)
      throw unsupported('it is in training mode: export model.eval()');
    const value = inputs.value(0);
    const { channels } = value.shape;
    if (value.flat && elementsOf(value.shape) !== channels)
      throw unsupported('it normalises a flattened map: put it before Flatten');
    const [gamma, beta, mean, variance] = [1, 2, 3, 4].map((index) => perChannel(inputs, index, channels));
    const epsilon = node.float('epsilon', 1e-5);
    const factors = gamma.map((g, c) => g / Math.sqrt(variance[c] + epsilon));
    if (!factors.every(Number.isFinite)) throw formatError(`node ${node.label}: a negative or zero variance`);
    return scaleChannels(
      value,
      factors,
      beta.map((b, c) => b - mean[c] * factors[c]),
    );
  },

  Add: (inputs) => sum(inputs, 1),
  Sub: (inputs) => sum(inputs, -1),
  Sum: (inputs) => sumOfAll(inputs),
  Mean: (inputs) => scaleValue(sumOfAll(inputs), 1 / inputs.node.inputs.length),
  Neg: (inputs) => scaleValue(inputs.value(0), -1),

  Mul: (inputs) => {
    const [value, constant] = inputs.isConstant(0) ? [1, 0] : [0, 1];
    if (!inputs.isConstant(constant)) throw unsupported(PRODUCT);
    const factors = channelwise(inputs.value(value), inputs.constant(constant));
    return scaleChannels(inputs.value(value), factors, new Float64Array(factors.length));
  },

  Div: (inputs) => {
    if (!inputs.isConstant(1))
      throw unsupported('it divides by a value that depends on the image: divide by trained constants');
    const factors = channelwise(inputs.value(0), inputs.constant(1)).map((d) => 1 / d);
    if (!factors.every(Number.isFinite)) throw formatError(`node ${inputs.node.label} divides by zero`);
    return scaleChannels(inputs.value(0), factors, new Float64Array(factors.length));
  },
};

const PRODUCT =
  'it multiplies two values that depend on the image, such as attention or squeeze-and-excitation; products are supported with constants per channel and as the masks of a Relu';

/** a + sign * b. */
function sum(inputs: NodeInputs, sign: 1 | -1): AffineValue {
  const [a, b] = [0, 1].map((index) => (inputs.isConstant(index) ? null : inputs.value(index)));
  if (a && b) {
    checkSameShape(a, b);
    return addValues(a, sign === 1 ? b : scaleValue(b, sign));
  }
  const value = a ?? scaleValue(inputs.value(1), sign);
  const constant = inputs.constant(a ? 1 : 0);
  const offsets = broadcast(constant, value);
  if (!offsets)
    throw unsupported(
      `it adds a constant of ${constant.dims.join('x')} to ${dimsOf(value).join('x')}: give it one number per channel or per element`,
    );
  return addBias(
    value,
    perChannelBias(
      offsets.map((offset) => (a ? sign : 1) * offset),
      value.shape.channels,
    ),
  );
}

function sumOfAll(inputs: NodeInputs): AffineValue {
  const values = inputs.node.inputs.map((_, index) => inputs.value(index));
  if (values.length === 0) throw formatError(`node ${inputs.node.label} has no inputs`);
  return values.reduce((a, b) => {
    checkSameShape(a, b);
    return addValues(a, b);
  });
}

function checkSameShape(a: AffineValue, b: AffineValue): void {
  const same =
    a.flat === b.flat && (['channels', 'height', 'width'] as const).every((k) => a.shape[k] === b.shape[k]);
  if (!same)
    throw unsupported(
      'its inputs differ in shape (broadcasting): bring them to one, as by a Conv with equal weights',
    );
}

/** The factors that a constant is, one per channel. */
function channelwise(value: AffineValue, constant: Constant): Float64Array {
  const factors = broadcast(constant, value);
  const channels = factors && perChannelBias(factors, value.shape.channels);
  if (!channels || channels.length !== value.shape.channels)
    throw unsupported(
      `its constant of ${constant.dims.join('x')} is not one number per channel, and it is no mask of a Relu: Add(Mul(Relu(X), M), Mul(X, 1 - M))`,
    );
  return channels;
}
