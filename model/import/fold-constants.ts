import type { AffineValue } from './affine.ts';
import type { Lookup } from './node-inputs.ts';
import { type Constant, formatError } from './onnx-constant.ts';
import type { OnnxNode } from './onnx-node.ts';
import { unsupported } from './refusals.ts';

/**
 * Nodes that do not depend on the image are computed while the file is read: exporters write the sizes that a
 * Reshape or Pad wants as chains of Shape, Gather, Concat and arithmetic (onnx/docs/Operators.md).
 */
type Fold = (inputs: readonly Constant[], node: OnnxNode) => Constant;

const sameShape =
  (map: (value: number) => number): Fold =>
  ([input]) => ({ dims: input.dims, values: input.values.map(map) });

const FOLDS: Record<string, Fold> = {
  Identity: ([input]) => input,
  Dropout: ([input]) => input,
  /** Element types of ONNX from 2 (uint8) to 13 (uint64) are integers but for 10 (float16) and 11 (double). */
  Cast: ([{ dims, values }], node) => {
    const to = node.integer('to', 1);
    const integer = to > 1 && to < 14 && to !== 10 && to !== 11;
    return { dims, values: integer ? values.map(Math.trunc) : values, integer };
  },
  Neg: sameShape((value) => -value),
  Floor: sameShape(Math.floor),
  Ceil: sameShape(Math.ceil),
  Sqrt: sameShape(Math.sqrt),
  Add: elementwise((a, b) => a + b),
  Sub: elementwise((a, b) => a - b),
  Mul: elementwise((a, b) => a * b),
  Pow: elementwise((a, b) => a ** b),
  Div: (inputs, node) =>
    elementwise((a, b) => (inputs.every(({ integer }) => integer) ? Math.trunc(a / b) : a / b))(inputs, node),
  Shape: ([{ dims }]) => ({ ...vector(dims), integer: true }),
  ConstantOfShape: ([shape], node) => {
    const dims = [...shape.values];
    checkSize(count(dims), node);
    const value = node.has('value') ? node.constant('value').values[0] : 0;
    return { dims, values: new Float64Array(count(dims)).fill(value) };
  },
  Flatten: ([input], node) => {
    const axis = axisOf(node.integer('axis', 1), input.dims.length + 1, node);
    return { dims: [count(input.dims.slice(0, axis)), count(input.dims.slice(axis))], values: input.values };
  },
  Reshape: ([input, target], node) => {
    const asked = [...target.values].map((size, i) => (size === 0 ? (input.dims[i] ?? 0) : size));
    const known = count(asked.filter((size) => size !== -1));
    const dims = asked.map((size) => (size === -1 ? input.values.length / known : size));
    if (count(dims) !== input.values.length)
      throw formatError(`node ${node.label}: cannot reshape its input`);
    return { dims, values: input.values };
  },
  Unsqueeze: ([input, axes], node) => {
    const added = axes ? [...axes.values] : node.integers('axes', [], null);
    const dims = [...input.dims];
    const rank = dims.length + added.length;
    for (const axis of added.map((a) => axisOf(a, rank, node)).sort((a, b) => a - b)) dims.splice(axis, 0, 1);
    return { dims, values: input.values };
  },
  Squeeze: ([input, axes], node) => {
    const named = axes ? [...axes.values] : node.has('axes') ? node.integers('axes', [], null) : null;
    const gone = named?.map((axis) => axisOf(axis, input.dims.length, node));
    const dims = input.dims.filter((size, i) => (gone ? !gone.includes(i) : size !== 1));
    if (count(dims) !== input.values.length)
      throw formatError(`node ${node.label}: cannot squeeze its input`);
    return { dims, values: input.values };
  },
  Concat: (inputs, node) => {
    const axis = axisOf(node.integer('axis', 0), inputs[0].dims.length, node);
    if (inputs.length > 1 && count(inputs[0].dims.slice(0, axis)) !== 1) throw unsupported(NOT_FOLDED);
    const size = inputs.reduce((sum, { dims }) => sum + dims[axis], 0);
    checkSize(
      inputs.reduce((sum, { values }) => sum + values.length, 0),
      node,
    );
    const values = Float64Array.from(inputs.flatMap((input) => [...input.values]));
    return { dims: inputs[0].dims.with(axis, size), values };
  },
  Gather: ([input, indices], node) => {
    const axis = axisOf(node.integer('axis', 0), input.dims.length, node);
    const [size, inner] = [input.dims[axis], count(input.dims.slice(axis + 1))];
    checkSize((input.values.length / size) * indices.values.length, node);
    const values: number[] = [];
    for (let outer = 0; outer < count(input.dims.slice(0, axis)); outer++)
      for (const index of indices.values) {
        const at = index < 0 ? index + size : index;
        if (!(at >= 0 && at < size)) throw formatError(`node ${node.label}: index ${index} of ${size}`);
        const start = (outer * size + at) * inner;
        for (let i = start; i < start + inner; i++) values.push(input.values[i]);
      }
    const dims = [...input.dims.slice(0, axis), ...indices.dims, ...input.dims.slice(axis + 1)];
    return { dims, values: Float64Array.from(values) };
  },
  Slice: ([input, starts, ends, axes, steps]) => {
    const plain = input.dims.length === 1 && starts && ends && (axes?.values[0] ?? 0) === 0;
    if (!plain || (steps?.values[0] ?? 1) !== 1) throw unsupported(NOT_FOLDED);
    return vector(input.values.slice(starts.values[0], ends.values[0]));
  },
  Transpose: ([input], node) => {
    const order = node.integers('perm', [...input.dims.keys()].reverse());
    const dims = order.map((axis) => input.dims[axis]);
    const steps = order.map((axis) => count(input.dims.slice(axis + 1)));
    const values = input.values.map((_, i) => {
      let [rest, from] = [i, 0];
      for (let axis = dims.length - 1; axis >= 0; axis--) {
        from += (rest % dims[axis]) * steps[axis];
        rest = Math.floor(rest / dims[axis]);
      }
      return input.values[from];
    });
    return { dims, values };
  },
};

/** Elements of a constant that grows as it is computed: sizes, pads and scales, not weights. */
const MAX_COMPUTED = 2 ** 20;

function checkSize(elements: number, node: OnnxNode): void {
  if (!(elements >= 0 && elements <= MAX_COMPUTED))
    throw formatError(`node ${node.label}: a constant of ${elements} elements`);
}

/** Inputs without which an operator means nothing, where there are more than one. */
const NEEDED: Record<string, number> = { Add: 2, Sub: 2, Mul: 2, Pow: 2, Div: 2, Reshape: 2, Gather: 2 };

const NOT_FOLDED = 'it computes a constant in a way that is not supported: simplify the model before export';

/** What a node gives if it does not depend on the image's pixels; null if it does. Throws as operators do. */
export function foldConstants(
  node: OnnxNode,
  constants: Lookup<Constant>,
  values: Lookup<AffineValue>,
): Constant | null {
  const given = node.inputs.filter((name) => name !== '');
  const value = node.type === 'Shape' ? values.get(node.inputs[0]) : undefined;
  if (value) return shapeOf(value, node);
  if (node.type !== 'ConstantOfShape' && given.length === 0) return null;
  if (!Object.hasOwn(FOLDS, node.type) || !given.every((name) => constants.get(name))) return null;
  const inputs = node.inputs.map((name) => constants.get(name)) as Constant[];
  const needed = node.type === 'Concat' ? inputs.length : (NEEDED[node.type] ?? 1);
  if (inputs.slice(0, needed).filter(Boolean).length < needed)
    throw formatError(`node ${node.label} needs ${needed} inputs`);
  const result = FOLDS[node.type](inputs, node);
  if (count(result.dims) !== result.values.length || !result.values.every(Number.isFinite))
    throw formatError(`node ${node.label} computes no finite numbers of its shape`);
  return { integer: inputs.every((input) => input?.integer !== false), ...result };
}

/** The dimensions of a value for one image. */
function shapeOf({ shape, flat }: AffineValue, node: OnnxNode): Constant {
  const { channels, height, width } = shape;
  const dims = flat ? [1, channels * height * width] : [1, channels, height, width];
  const [start, end] = [node.integer('start', 0), node.has('end') ? node.integer('end', 0) : undefined];
  return { ...vector(dims.slice(start, end)), integer: true };
}

function elementwise(combine: (a: number, b: number) => number): Fold {
  return ([a, b]) => {
    const [long, short] = a.values.length >= b.values.length ? [a, b] : [b, a];
    const scalar = short.values.length === 1;
    if (!scalar && long.dims.join() !== short.dims.join()) throw unsupported(NOT_FOLDED);
    const at = ({ values }: Constant, i: number) => values[values.length === 1 ? 0 : i];
    return { dims: long.dims, values: long.values.map((_, i) => combine(at(a, i), at(b, i))) };
  };
}

function vector(values: Iterable<number>): Constant {
  const array = Float64Array.from(values);
  return { dims: [array.length], values: array };
}

function count(dims: readonly number[]): number {
  return dims.reduce((product, size) => product * size, 1);
}

function axisOf(axis: number, rank: number, node: OnnxNode): number {
  const counted = axis < 0 ? axis + rank : axis;
  if (!(Number.isInteger(counted) && counted >= 0 && counted < rank))
    throw formatError(`node ${node.label}: axis ${axis} of ${rank}`);
  return counted;
}
