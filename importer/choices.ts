import { neighbours } from './neighbours.ts';
import type { OnnxConstant } from './onnx-constant.ts';
import type { OnnxGraph } from './onnx-graph.ts';
import { OnnxNode } from './onnx-node.ts';

/** For each comparison, whether it holds for the larger value. */
const HOLDS_ABOVE: Record<string, boolean> = {
  Greater: true,
  GreaterOrEqual: true,
  Less: false,
  LessOrEqual: false,
};

/**
 * Replaces Where(x > y, x, y) and equivalent forms by the corresponding Max or Min, if y is also computed or has
 * several numbers. Comparisons of one value with numbers are read by piecewise/find-piecewise.ts.
 */
export function choices(graph: OnnxGraph): OnnxGraph {
  const { makers } = neighbours(graph);
  const nodes = graph.nodes.map((node) =>
    node.type === 'Where' ? (chosen(node, makers, graph.constants) ?? node) : node,
  );
  const read = new Set([graph.outputName, ...nodes.flatMap((node) => node.reads)]);
  const needed = (node: OnnxNode) =>
    !Object.hasOwn(HOLDS_ABOVE, node.type) || node.outputs.some((name) => read.has(name));
  return { ...graph, nodes: nodes.filter(needed) };
}

function chosen(
  where: OnnxNode,
  makers: ReadonlyMap<string, OnnxNode>,
  constants: ReadonlyMap<string, OnnxConstant>,
): OnnxNode | null {
  const [condition, whenTrue, whenFalse] = where.inputs;
  const comparison = makers.get(condition);
  if (!comparison || !Object.hasOwn(HOLDS_ABOVE, comparison.type)) return null;
  const [left, right] = comparison.inputs;
  const same = (a: string, b: string) => a === b || sameNumbers(constants.get(a), constants.get(b));
  const takesLeft = same(whenTrue, left) && same(whenFalse, right);
  if (!takesLeft && !(same(whenTrue, right) && same(whenFalse, left))) return null;
  const opType = HOLDS_ABOVE[comparison.type] === takesLeft ? 'Max' : 'Min';
  return new OnnxNode({
    opType,
    name: JSON.parse(where.label),
    input: [whenTrue, whenFalse],
    output: [...where.outputs],
  });
}

function sameNumbers(a: OnnxConstant | undefined, b: OnnxConstant | undefined): boolean {
  if (!a || !b || a.dims.join() !== b.dims.join()) return false;
  return a.values.every((value, i) => value === b.values[i]);
}

/** Returns the number in a constant whose elements are all equal. */
export function uniformValue({ values }: OnnxConstant): number | null {
  return values.length > 0 && values.every((value) => value === values[0]) ? values[0] : null;
}
