import type { OnnxNode } from '../onnx-node.ts';
import {
  chosenOf,
  constantLine,
  constantOf,
  largerOf,
  MOST_KNOTS,
  type PiecewiseLine,
  productOf,
  sumOf,
  timesNumber,
  whereHolds,
} from './piecewise-line.ts';

/** Applies a pointwise ONNX operator to functions of one number; null if the result is not piecewise linear. */
type PointwiseOperator = (inputs: readonly PiecewiseLine[], node: OnnxNode) => PiecewiseLine | null;

/** Operators that compare or choose: nothing else in the importer runs them. */
export const DECIDING: Record<string, PointwiseOperator> = {
  Greater: ([a, b]) => whereHolds(difference(a, b), (value) => value > 0),
  GreaterOrEqual: ([a, b]) => whereHolds(difference(a, b), (value) => value >= 0),
  Less: ([a, b]) => whereHolds(difference(a, b), (value) => value < 0),
  LessOrEqual: ([a, b]) => whereHolds(difference(a, b), (value) => value <= 0),
  Equal: ([a, b]) => whereHolds(difference(a, b), (value) => value === 0),
  Not: ([a]) => whereHolds(a, (value) => value === 0),
  And: ([a, b]) => productOf(isTrue(a), isTrue(b)),
  Or: ([a, b]) => isTrue(sumOf(isTrue(a), isTrue(b))),
  Xor: ([a, b]) => isTrue(difference(isTrue(a), isTrue(b))),
  Where: ([condition, a, b]) => chosenOf(isTrue(condition), a, b),
  Sign: ([a]) => signOf(a),
  Shrink: ([a], node) => {
    const [threshold, bias] = [node.float('lambd', 0.5), node.float('bias', 0)];
    const above = whereHolds(sumOf(a, constantLine(-threshold)), (value) => value > 0);
    const below = whereHolds(sumOf(a, constantLine(threshold)), (value) => value < 0);
    return chosenOf(
      above,
      sumOf(a, constantLine(-bias)),
      chosenOf(below, sumOf(a, constantLine(bias)), ZERO),
    );
  },
  ThresholdedRelu: ([a], node) => {
    const above = whereHolds(sumOf(a, constantLine(-node.float('alpha', 1))), (value) => value > 0);
    return chosenOf(above, a, ZERO);
  },
};

/** Other operators, which may precede or follow those. */
export const OTHERS: Record<string, PointwiseOperator> = {
  Identity: ([a]) => a,
  Cast: ([a], node) => {
    const to = node.integer('to', 1);
    if (to === BOOL) return isTrue(a);
    return FLOATS.includes(to) || isWhole(a) ? a : null;
  },
  Add: (inputs) => reduced(inputs, sumOf),
  Sum: (inputs) => reduced(inputs, sumOf),
  Mean: (inputs) => {
    const sum = reduced(inputs, sumOf);
    return sum && timesNumber(sum, 1 / inputs.length);
  },
  Sub: ([a, b]) => difference(a, b),
  Neg: ([a]) => timesNumber(a, -1),
  Mul: ([a, b]) => productOf(a, b),
  Div: ([a, b]) => {
    const divisor = constantOf(b);
    return divisor ? timesNumber(a, 1 / divisor) : null;
  },
  Relu: ([a]) => largerOf(a, ZERO),
  LeakyRelu: ([a], node) => leaky(a, node.float('alpha', 0.01)),
  PRelu: ([a, b]) => {
    const slope = constantOf(b);
    return slope === null ? null : leaky(a, slope);
  },
  Abs: ([a]) => largerOf(a, timesNumber(a, -1)),
  Max: (inputs) => reduced(inputs, largerOf),
  Min: (inputs) => reduced(inputs, smallerOf),
  Clip: ([a, low, high], node) => {
    const bound = (given: PiecewiseLine | undefined, name: string, none: number) => {
      const own = node.limit(name, none);
      return given ?? (own === none ? null : constantLine(own));
    };
    const [least, most] = [bound(low, 'min', -Infinity), bound(high, 'max', Infinity)];
    const raised = least ? largerOf(a, least) : a;
    return most ? smallerOf(raised, most) : raised;
  },
  HardSigmoid: ([a], node) => {
    const line = sumOf(timesNumber(a, node.float('alpha', 0.2)), constantLine(node.float('beta', 0.5)));
    return smallerOf(largerOf(line, ZERO), constantLine(1));
  },
};

/** Whether a node of those operators has the inputs that it needs: files may be broken. */
export function hasInputs({ type, inputs }: OnnxNode): boolean {
  return inputs.length >= (type === 'Where' ? 3 : BINARY.has(type) ? 2 : 1);
}

const BINARY: ReadonlySet<string> = new Set(
  'Greater GreaterOrEqual Less LessOrEqual Equal And Or Xor Sub Mul Div PRelu'.split(' '),
);

/** Whether a node compares or chooses. */
export function isDeciding(node: OnnxNode): boolean {
  return Object.hasOwn(DECIDING, node.type) || toTruth(node);
}

/** Whether its results are true or false. */
export function isLogical(node: OnnxNode): boolean {
  return LOGICAL.has(node.type) || toTruth(node);
}

function toTruth(node: OnnxNode): boolean {
  return node.type === 'Cast' && node.integer('to', 1) === BOOL;
}

const LOGICAL: ReadonlySet<string> = new Set(
  'Greater GreaterOrEqual Less LessOrEqual Equal Not And Or Xor'.split(' '),
);

const ZERO = constantLine(0);
/** Types of elements (onnx.proto, TensorProto.DataType). */
const BOOL = 9;
const FLOATS = [1, 10, 11, 16];

/** All inputs, combined two by two; null as soon as there are too many knots. */
function reduced(
  inputs: readonly PiecewiseLine[],
  combine: (a: PiecewiseLine, b: PiecewiseLine) => PiecewiseLine,
): PiecewiseLine | null {
  let [result] = inputs;
  for (const input of inputs.slice(1)) {
    result = combine(result, input);
    if (result.knots.length > MOST_KNOTS) return null;
  }
  return result;
}

function difference(a: PiecewiseLine, b: PiecewiseLine): PiecewiseLine {
  return sumOf(a, timesNumber(b, -1));
}

function isTrue(a: PiecewiseLine): PiecewiseLine {
  return whereHolds(a, (value) => value !== 0);
}

function signOf(a: PiecewiseLine): PiecewiseLine {
  return difference(
    whereHolds(a, (value) => value > 0),
    whereHolds(a, (value) => value < 0),
  );
}

function smallerOf(a: PiecewiseLine, b: PiecewiseLine): PiecewiseLine {
  return timesNumber(largerOf(timesNumber(a, -1), timesNumber(b, -1)), -1);
}

function leaky(a: PiecewiseLine, slope: number): PiecewiseLine {
  return chosenOf(
    whereHolds(a, (value) => value > 0),
    a,
    timesNumber(a, slope),
  );
}

/** Whether all values are integers, which a Cast to integers does not change. */
function isWhole({ pieces, at }: PiecewiseLine): boolean {
  return (
    pieces.every(({ slope, offset }) => slope === 0 && Number.isInteger(offset)) && at.every(Number.isInteger)
  );
}
