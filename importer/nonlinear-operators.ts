import { type AffineValue, addValues, scaleValue } from './affine.ts';
import { aligned } from './align.ts';
import { perChannelBias } from './bias.ts';
import { broadcast } from './broadcast.ts';
import { sizeOf } from './layout.ts';
import type { NodeInputs } from './node-inputs.ts';
import { type Constant, formatError } from './onnx-constant.ts';
import { ranked } from './ranked.ts';
import { reductionOf } from './reduction-axes.ts';
import { exactly, unsupported } from './refusals.ts';
import { selectAlong } from './relayout.ts';
import { clip, leakyRelu } from './rewrites/activations.ts';
import { maxPool } from './rewrites/max-window.ts';
import { maxima } from './rewrites/maximum.ts';
import { endTogether, type Segments } from './rewrites/segments.ts';
import { shiftedBy } from './scale.ts';
import { mapSize } from './spatial.ts';
import { poolingWindow } from './window.ts';

/** A nonlinear ONNX operator, as layers of ReLUs and linear maps. Throws as `Operator` does. */
export type NonlinearOperator = (inputs: NodeInputs, segments: Segments) => AffineValue;

/** ONNX operators that end a linear segment (onnx/docs/Operators.md). */
export const NONLINEAR_OPERATORS: Record<string, NonlinearOperator> = {
  Relu: (inputs, segments) => segments.end(inputs.value(0), null),

  Clip: (inputs, segments) => {
    const bound = (name: string, index: number, otherwise: number) =>
      inputs.has(index) ? scalar(inputs, index) : inputs.node.limit(name, otherwise);
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
    const slopes = inputs.constant(1);
    const grown = ranked(value, slopes.dims.length);
    const each = broadcast(slopes, grown);
    const perChannel = each && perChannelBias(each, value.shape.channels);
    if (perChannel?.length !== value.shape.channels)
      throw unsupported(
        `its slopes of ${slopes.dims.join('x')} are not one number per channel: train it with one slope per channel`,
      );
    return leakyRelu(segments, grown, perChannel);
  },

  Max: (inputs, segments) => largest(inputs, segments, 1),
  Min: (inputs, segments) => largest(inputs, segments, -1),

  ReduceMax: (inputs, segments) => reducedMax(inputs, segments, 1),
  ReduceMin: (inputs, segments) => reducedMax(inputs, segments, -1),

  /** ReLU(x) + ReLU(-x). */
  Abs: (inputs, segments) => {
    const value = inputs.value(0);
    const [above, below] = endTogether(segments, [value, scaleValue(value, -1)], []);
    return addValues(above, below);
  },

  HardSigmoid: (inputs, segments) => {
    const { node } = inputs;
    const line = scaleValue(inputs.value(0), node.float('alpha', 0.2), node.float('beta', 0.5));
    return clip(segments, line, 0, 1);
  },

  MaxPool: (inputs, segments) => {
    const { node } = inputs;
    const value = inputs.value(0);
    const size = mapSize(value);
    return exactly(maxPool(segments, value, poolingWindow(node, size, value.layout.length - 2)));
  },

  GlobalMaxPool: (inputs, segments) => {
    const value = inputs.value(0);
    const { height, width } = mapSize(value);
    const whole = { strideY: 1, strideX: 1, padTop: 0, padLeft: 0, outHeight: 1, outWidth: 1, padded: false };
    const window = { ...whole, rows: height, columns: width, dilationY: 1, dilationX: 1 };
    return exactly(maxPool(segments, value, window));
  },
};

/** Bounds of at least this size mean no bound: exporters write the largest float for a missing one. */
const LARGEST = 3.4e38;

/** The largest of the inputs (`sign` 1) or the smallest (-1), element by element; some may be constants. */
function largest(inputs: NodeInputs, segments: Segments, sign: 1 | -1): AffineValue {
  const { node } = inputs;
  const indices = [...node.inputs.keys()];
  const computed = indices.filter((index) => !inputs.isConstant(index)).map((index) => inputs.value(index));
  if (computed.length === 0) inputs.value(0);
  const values = computed.length > 1 ? aligned(computed) : computed;
  const contestants = values.map((value) => ({ value: scaleValue(value, sign), inside: null }));
  let best = maxima(segments, [contestants])![0].value;
  for (const index of indices.filter((index) => inputs.isConstant(index)))
    best = atLeast(segments, best, inputs.constant(index), sign);
  return scaleValue(best, sign);
}

/** The larger of a value and `sign` times a constant c: c + ReLU(x - c). */
function atLeast(segments: Segments, value: AffineValue, constant: Constant, sign: 1 | -1): AffineValue {
  const bounds = Float64Array.from(constant.values, (bound) => sign * bound);
  if (bounds.every((bound) => bound <= -LARGEST)) return value;
  if (!bounds.every((bound) => Math.abs(bound) < LARGEST))
    throw unsupported('some of its bounds are infinite and others are not: clip at finite bounds');
  const lifted = { dims: constant.dims, values: bounds };
  return shiftedBy(segments.end(shiftedBy(value, lifted, -1), null), lifted);
}

/**
 * Computes the largest along some axes (`sign` 1) or the smallest (-1): axis by axis, over halves that share the
 * middle.
 */
function reducedMax(inputs: NodeInputs, segments: Segments, sign: 1 | -1): AffineValue {
  const value = inputs.value(0);
  const { axes, keep } = reductionOf(inputs, value);
  let best = scaleValue(value, sign);
  for (const axis of axes)
    for (let size = sizeOf(best.layout[axis]); size > 1; size = Math.ceil(size / 2)) {
      const half = Math.ceil(size / 2);
      const [low, high] = [0, size - half].map((first) =>
        selectAlong(
          best,
          axis,
          Array.from({ length: half }, (_, i) => first + i),
        ),
      );
      const halves = aligned([low, high]).map((part) => ({ value: part, inside: null }));
      best = maxima(segments, [halves])![0].value;
    }
  const result = scaleValue(best, sign);
  if (keep) return result;
  return { ...result, layout: result.layout.filter((_, axis) => !axes.includes(axis)) };
}

function scalar(inputs: NodeInputs, index: number): number {
  const { values } = inputs.constant(index);
  if (values.length !== 1)
    throw formatError(`node ${inputs.node.label}: input ${index} has ${values.length} values, expected one`);
  return values[0];
}
