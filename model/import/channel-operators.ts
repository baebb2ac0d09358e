import { elementsOf } from '../geometry.ts';
import { type AffineValue, addValues, concatValues, scaleChannels } from './affine.ts';
import { convolveValue } from './affine-convolution.ts';
import { makeKernel } from './dense-kernel.ts';
import { exactly, type NodeInputs, type Operator, perChannel, unsupported } from './node-inputs.ts';
import { type Constant, formatError } from './onnx-constant.ts';

/** ONNX operators without a window (onnx/docs/Operators.md), as maps of affine values. */
export const CHANNEL_OPERATORS: Record<string, Operator> = {
  Identity: (inputs) => inputs.value(0),
  Dropout: (inputs) => {
    if (inputs.has(2) && inputs.constant(2).values[0] !== 0) throw unsupported('it is in training mode');
    return inputs.value(0);
  },

  BatchNormalization: (inputs) => {
    const { node } = inputs;
    if (node.integer('training_mode', 0) !== 0) throw unsupported('it is in training mode');
    const value = inputs.value(0);
    const { channels } = value.shape;
    if (value.flat && elementsOf(value.shape) !== channels)
      throw unsupported('it normalises a flattened map');
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

  Add: (inputs) => {
    const [a, b] = inputs.isConstant(0) ? [1, 0] : [0, 1];
    const value = inputs.value(a);
    if (inputs.isConstant(b)) return addConstant(value, inputs.constant(b));
    const other = inputs.value(b);
    if (!sameMap(value, other) || value.shape.channels !== other.shape.channels)
      throw unsupported('its inputs differ in shape (broadcasting)');
    return addValues(value, other);
  },

  Concat: (inputs) => {
    const { node } = inputs;
    const values = node.inputs.map((_, index) => inputs.value(index));
    const rank = values[0].flat ? 2 : 4;
    const axis = node.integer('axis', 1);
    if ((axis < 0 ? axis + rank : axis) !== 1)
      throw unsupported(`it joins along axis ${axis}, not along the channels`);
    if (!values.every((value) => sameMap(value, values[0])))
      throw unsupported('its inputs differ in map size');
    return concatValues(values);
  },

  Flatten: (inputs) => {
    if (inputs.node.integer('axis', 1) !== 1) throw unsupported('it flattens the batch');
    return { ...inputs.value(0), flat: true };
  },

  Reshape: (inputs) => {
    const value = inputs.value(0);
    const { channels, height, width } = value.shape;
    const target = [...inputs.constant(1).values];
    const fits = (sizes: number[]) =>
      target.length === sizes.length + 1 &&
      target.filter((size) => size === -1).length <= 1 &&
      sizes.every((size, i) => target[i + 1] === size || target[i + 1] === -1);
    if (fits([channels * height * width])) return { ...value, flat: true };
    if (fits([channels, height, width])) return { ...value, flat: false };
    throw unsupported(`it reshapes ${channels}x${height}x${width} to ${target.join('x')}`);
  },

  Gemm: (inputs) => {
    const { node } = inputs;
    if (node.integer('transA', 0) !== 0) throw unsupported('it transposes its input');
    const alpha = node.float('alpha', 1);
    const beta = node.float('beta', 1);
    const value = fullyConnected(inputs, node.integer('transB', 0) !== 0, alpha);
    if (!inputs.has(2)) return value;
    const { dims, values } = inputs.constant(2);
    return addConstant(value, { dims, values: values.map((b) => b * beta) });
  },

  MatMul: (inputs) => fullyConnected(inputs, false, 1),
};

function sameMap(a: AffineValue, b: AffineValue): boolean {
  return a.shape.height === b.shape.height && a.shape.width === b.shape.width && a.flat === b.flat;
}

/** A constant that broadcasts to one number per channel. */
function addConstant(value: AffineValue, { dims, values }: Constant): AffineValue {
  const { channels } = value.shape;
  const rank = value.flat ? 2 : 4;
  const full = [...new Array<number>(Math.max(0, rank - dims.length)).fill(1), ...dims];
  const onlyChannels =
    full.length === rank && full.every((dim, i) => dim === 1 || (i === 1 && dim === channels));
  if (!onlyChannels || (value.flat && elementsOf(value.shape) !== channels))
    throw unsupported(`it adds a constant of ${dims.join('x')}, not one number per channel`);
  return { ...value, bias: value.bias.map((b, c) => b + values[values.length === 1 ? 0 : c]) };
}

/** A vector times constant weights [in, out] ([out, in] if transposed): a convolution whose kernel covers the map. */
function fullyConnected(inputs: NodeInputs, transposed: boolean, factor: number): AffineValue {
  const value = inputs.value(0);
  const { dims, values } = inputs.constant(1);
  const { channels, height, width } = value.shape;
  const depth = elementsOf(value.shape);
  const [depthGot, out] = transposed ? [dims[1], dims[0]] : dims;
  if (!value.flat || dims.length !== 2 || depthGot !== depth || !(out >= 1))
    throw formatError(`node ${inputs.node.label}: weights of ${dims.join('x')} for a vector of ${depth}`);
  const kernel = makeKernel(out, channels, height, width);
  for (let o = 0; o < out; o++)
    for (let i = 0; i < depth; i++)
      kernel.data[o * depth + i] = factor * values[transposed ? o * depth + i : i * out + o];
  const window = { stride: 1, padTop: 0, padLeft: 0, outHeight: 1, outWidth: 1 };
  return exactly(convolveValue(value, kernel, new Float64Array(out), window));
}
