import type { AffineValue } from './affine.ts';
import { permuted, sizesOf } from './layout.ts';
import type { NodeInputs } from './node-inputs.ts';
import { type Constant, formatError } from './onnx-constant.ts';
import { unsupported } from './refusals.ts';
import { contracted, reshaped } from './relayout.ts';

/** Labels of the axes of two operands at most, and of the result. */
interface Equation {
  readonly operands: readonly (readonly string[])[];
  readonly result: readonly string[];
}

/**
 * Computes a sum of products with constant weights, such as 'bchw,oc->bohw': the axes that the weights share with the
 * value are joined, multiplied by a matrix, and become the other axes of the weights.
 */
export function einsum(inputs: NodeInputs): AffineValue {
  const { node } = inputs;
  const count = node.inputs.length;
  if (count > 2) throw unsupported(`it multiplies ${count} operands: write it as several of two`);
  const index = node.inputs.findIndex((_, i) => !inputs.isConstant(i));
  if (index < 0) inputs.value(0);
  const weights = count === 2 ? inputs.constant(1 - index) : { dims: [], values: Float64Array.of(1) };
  const value = inputs.value(index);
  const { operands, result } = equationOf(inputs, [
    index === 0 ? value.layout.length : weights.dims.length,
    ...(count === 2 ? [index === 1 ? value.layout.length : weights.dims.length] : []),
  ]);
  const labels = operands[index];
  const theirs = count === 2 ? operands[1 - index] : [];
  if (labels.length !== value.layout.length || theirs.length !== weights.dims.length)
    throw formatError(`node ${node.label}: its equation is for operands of other ranks`);
  return multiplied(value, labels, weights, theirs, result);
}

function multiplied(
  value: AffineValue,
  labels: readonly string[],
  weights: Constant,
  theirs: readonly string[],
  result: readonly string[],
): AffineValue {
  const own = sizesOf(value.layout);
  const size = new Map([...labels.map((label, i) => [label, own[i]] as const)]);
  for (const [i, label] of theirs.entries()) {
    const known = size.get(label);
    if (known !== undefined && known !== weights.dims[i])
      throw unsupported(
        `its axis ${label} has ${known} positions and ${weights.dims[i]} weights: use equal sizes`,
      );
    size.set(label, weights.dims[i]);
  }
  const sizes = (list: readonly string[]) => list.map((label) => size.get(label)!);
  const inner = labels.filter((label) => theirs.includes(label) || !result.includes(label));
  const kept = labels.filter((label) => !inner.includes(label));
  const outer = result.filter((label) => !kept.includes(label));
  const order = [...kept, ...inner].map((label) => labels.indexOf(label));
  const turned = { ...value, layout: permuted(value.layout, order) };
  const merged = reshaped(turned, [...sizes(kept), product(sizes(inner))]);
  const matrix = matrixOf(weights, theirs, size, inner, outer);
  const columns = product(sizes(outer));
  const outputs = contracted(merged, kept.length, {
    outputs: columns,
    at: (i, o) => matrix[i * columns + o],
  });
  const split = reshaped(outputs, [...sizes(kept), ...sizes(outer)]);
  const back = result.map((label) => [...kept, ...outer].indexOf(label));
  return { ...split, layout: permuted(split.layout, back) };
}

/** Weights [positions of the axes `inner`, positions of the axes `outer`]: where both name an axis, only equal ones meet. */
function matrixOf(
  { dims, values }: Constant,
  theirs: readonly string[],
  size: ReadonlyMap<string, number>,
  inner: readonly string[],
  outer: readonly string[],
): Float64Array {
  const rows = product(inner.map((label) => size.get(label)!));
  const columns = product(outer.map((label) => size.get(label)!));
  if (rows * columns > MOST_WEIGHTS)
    throw unsupported(
      `it has ${rows * columns} weights where its axes are taken together: use a Conv with groups`,
    );
  // Axes that only the weights have and that are not in the result are summed.
  const summed = theirs.filter((label) => !inner.includes(label) && !outer.includes(label));
  const all = [...new Set([...inner, ...outer, ...summed])];
  const sizes = all.map((label) => size.get(label)!);
  if (product(sizes) > MOST_WEIGHTS)
    throw unsupported(
      `its sum has ${product(sizes)} products: sum the axes that only the weights have before it`,
    );
  const strides = (list: readonly string[], lengths: readonly number[]) =>
    all.map((label) => {
      const at = list.indexOf(label);
      return at < 0 ? 0 : product(lengths.slice(at + 1));
    });
  const [ofRow, ofColumn, ofWeight] = [
    strides(
      inner,
      inner.map((label) => size.get(label)!),
    ),
    strides(
      outer,
      outer.map((label) => size.get(label)!),
    ),
    strides(theirs, dims),
  ];
  const matrix = new Float64Array(rows * columns);
  const place = all.map(() => 0);
  const dot = (steps: readonly number[]) => steps.reduce((sum, step, i) => sum + step * place[i], 0);
  for (let left = product(sizes); left > 0; left--) {
    matrix[dot(ofRow) * columns + dot(ofColumn)] += values[dot(ofWeight)];
    for (let i = all.length - 1; i >= 0 && ++place[i] === sizes[i]; i--) place[i] = 0;
  }
  return matrix;
}

/** Weights of the matrix at most: 128 MB. */
const MOST_WEIGHTS = 2 ** 24;

/** Labels of an equation, with those that '...' stands for. Throws 'model/format' or 'model/unsupported'. */
function equationOf({ node }: NodeInputs, ranks: readonly number[]): Equation {
  const text = node.text('equation', '').replaceAll(' ', '');
  const [left, right, ...more] = text.split('->');
  const terms = left.split(',');
  if (more.length > 0 || terms.length !== ranks.length || !/^[A-Za-z.,]+$/.test(left))
    throw formatError(
      `node ${node.label}: the equation ${JSON.stringify(text)} is not one for ${ranks.length} operands`,
    );
  const operands = terms.map((term, i) => {
    const named = term.replace('...', '').length;
    return spelled(
      term,
      Array.from({ length: Math.max(0, ranks[i] - named) }, (_, k, n = ranks[i] - named) => `...${n - k}`),
    );
  });
  for (const labels of operands)
    if (new Set(labels).size < labels.length)
      throw unsupported('it takes a diagonal, an axis by itself: gather those positions instead');
  const longest = operands
    .map((labels) => labels.filter(isHidden))
    .reduce((a, b) => (a.length >= b.length ? a : b));
  const all = operands.flat();
  // Without a result: all labels that occur once, in alphabetical order.
  const once = [...new Set(all)].filter(
    (label) => !isHidden(label) && all.filter((other) => other === label).length === 1,
  );
  const result = right === undefined ? [...longest, ...once.sort()] : spelled(right, longest);
  if (new Set(result).size < result.length || result.some((label) => !all.includes(label)))
    throw formatError(
      `node ${node.label}: the equation ${JSON.stringify(text)} asks for axes that it has not`,
    );
  return { operands, result };
}

function isHidden(label: string): boolean {
  return label.startsWith('...');
}

/** The labels of one term; '...' stands for those of `hidden`. */
function spelled(term: string, hidden: readonly string[]): string[] {
  const [before, after] = term.split('...');
  return after === undefined ? [...before] : [...before, ...hidden, ...after];
}

function product(sizes: readonly number[]): number {
  return sizes.reduce((a, b) => a * b, 1);
}
