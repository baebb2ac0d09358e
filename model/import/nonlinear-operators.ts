import type { AffineValue } from './affine.ts';
import { type NodeInputs, perChannel } from './node-inputs.ts';
import { formatError } from './onnx-constant.ts';
import { exactly, unsupported } from './refusals.ts';
import { clip, leakyRelu } from './rewrites/activations.ts';
import { maxPool } from './rewrites/max-window.ts';
import type { Segments } from './rewrites/segments.ts';
import { mapOf, poolingWindow } from './window.ts';

/** A nonlinear ONNX operator, as layers of ReLUs and linear maps. Throws as `Operator` does. */
export type NonlinearOperator = (inputs: NodeInputs, segments: Segments) => AffineValue;

/** ONNX operators that end a linear segment (onnx/docs/Operators.md). */
export const NONLINEAR_OPERATORS: Record<string, NonlinearOperator> = {
  Relu: (inputs, segments) => segments.end(inputs.value(0), null),

  Clip: (inputs, segments) => {
    const bound = (name: string, index: number, otherwise: number) =>
      inputs.has(index) ? scalar(inputs, index) : inputs.node.float(name, otherwise);
    const low = bound('min', 1, -LARGEST);
    const high = bound('max', 2, LARGEST);
    if (low > high) throw unsupported(`its lower bound ${low} is above its upper bound ${high}: swap them`);
    return clip(
      segments,
      inputs.value(0),
      low > -LARGEST ? low : -Infinity,
      high < LARGEST ? high : Infinity,
    );
  },

  LeakyRelu: (inputs, segments) => {
    const value = inputs.value(0);
    const slopes = new Float64Array(value.shape.channels).fill(inputs.node.float('alpha', 0.01));
    return leakyRelu(segments, value, slopes);
  },

  PRelu: (inputs, segments) => {
    const value = inputs.value(0);
    const { channels, height, width } = value.shape;
    const { dims, values } = inputs.constant(1);
    if (values.length === 1) return leakyRelu(segments, value, new Float64Array(channels).fill(values[0]));
    const position = dims.length + (value.flat ? -1 : -3);
    if (values.length !== channels || dims[position] !== channels || (value.flat && height * width !== 1))
      throw unsupported(
        `its slopes of ${dims.join('x')} are not one number per channel: train it with one slope per channel`,
      );
    return leakyRelu(segments, value, perChannel(inputs, 1, channels));
  },

  MaxPool: (inputs, segments) => {
    const { node } = inputs;
    if (node.outputs[1]) throw unsupported('its indices are read: only its maxima can be');
    const value = mapOf(inputs);
    return exactly(maxPool(segments, value, poolingWindow(node, value.shape)));
  },

  GlobalMaxPool: (inputs, segments) => {
    const value = mapOf(inputs);
    const { height, width } = value.shape;
    const whole = { strideY: 1, strideX: 1, padTop: 0, padLeft: 0, outHeight: 1, outWidth: 1, padded: false };
    const window = { ...whole, rows: height, columns: width, dilationY: 1, dilationX: 1 };
    return exactly(maxPool(segments, value, window));
  },
};

/** Bounds of a Clip from here on are none: the largest float, which stands for one that is left out. */
const LARGEST = 3.4e38;

function scalar(inputs: NodeInputs, index: number): number {
  const { values } = inputs.constant(index);
  if (values.length !== 1)
    throw formatError(`node ${inputs.node.label}: input ${index} has ${values.length} values, expected one`);
  return values[0];
}
