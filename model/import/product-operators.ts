import { elementsOf } from '../geometry.ts';
import { type AffineValue, addBias } from './affine.ts';
import { convolveValue } from './affine-convolution.ts';
import { makeKernel } from './dense-kernel.ts';
import type { NodeInputs, Operator } from './node-inputs.ts';
import { formatError } from './onnx-constant.ts';
import { exactly, unsupported } from './refusals.ts';

/** ONNX matrix products (onnx/docs/Operators.md), as convolutions whose kernel covers the map. */
export const PRODUCT_OPERATORS: Record<string, Operator> = {
  Gemm: (inputs) => {
    const { node } = inputs;
    if (node.integer('transA', 0) !== 0) throw unsupported('it transposes its input: use transA 0');
    const alpha = node.float('alpha', 1);
    const beta = node.float('beta', 1);
    const value = fullyConnected(inputs, node.integer('transB', 0) !== 0, alpha);
    if (!inputs.has(2)) return value;
    const { dims, values } = inputs.constant(2);
    const { channels } = value.shape;
    if (values.length !== 1 && (values.length !== channels || dims[dims.length - 1] !== channels))
      throw formatError(`node ${node.label}: a bias of ${dims.join('x')} for ${channels} outputs`);
    const bias = Float64Array.from(
      { length: channels },
      (_, o) => beta * values[values.length === 1 ? 0 : o],
    );
    return addBias(value, bias);
  },

  MatMul: (inputs) => {
    if (inputs.isConstant(0)) throw unsupported('its weights stand on the left; put them on the right');
    return fullyConnected(inputs, false, 1);
  },
};

/** A vector times constant weights [in, out] ([out, in] if transposed): a convolution whose kernel covers the map. */
function fullyConnected(inputs: NodeInputs, transposed: boolean, factor: number): AffineValue {
  const value = inputs.value(0);
  const { dims, values } = inputs.constant(1);
  const { channels, height, width } = value.shape;
  const depth = elementsOf(value.shape);
  const [depthGot, out] = transposed ? [dims[1], dims[0]] : dims;
  if (!value.flat) throw unsupported('it multiplies the rows of a map, not a vector; flatten first');
  if (dims.length !== 2 || depthGot !== depth || !(out >= 1))
    throw formatError(`node ${inputs.node.label}: weights of ${dims.join('x')} for a vector of ${depth}`);
  const kernel = makeKernel(out, channels, height, width, (data) => {
    for (let o = 0; o < out; o++)
      for (let i = 0; i < depth; i++)
        data[o * depth + i] = factor * values[transposed ? o * depth + i : i * out + o];
  });
  const window = { strideY: 1, strideX: 1, padTop: 0, padLeft: 0, outHeight: 1, outWidth: 1 };
  return exactly(convolveValue(value, kernel, new Float64Array(out), window));
}
