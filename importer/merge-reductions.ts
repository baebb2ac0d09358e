import { neighbours } from './neighbours.ts';
import { integerVector, type OnnxConstant } from './onnx-constant.ts';
import type { OnnxGraph } from './onnx-graph.ts';
import type { OnnxNode } from './onnx-node.ts';

/**
 * Merges consecutive means and sums over single axes into one: a mean over the whole map costs one product per channel,
 * while one over only rows or columns costs one per element.
 */
export function mergeReductions(graph: OnnxGraph): OnnxGraph {
  const constants = new Map(graph.constants);
  const { onlyReaders } = neighbours(graph);
  const merged = new Map<OnnxNode, OnnxNode>();
  const gone = new Set<OnnxNode>();
  for (const original of graph.nodes) {
    const first = merged.get(original) ?? original;
    const next = onlyReaders.get(original.outputs[0]);
    if (!next || next.type !== first.type || !/^Reduce(Mean|Sum)$/.test(first.type)) continue;
    const [own, other] = [first, next].map((node) => axesOf(node, constants));
    // An empty list means all axes, or none.
    if (!own?.length || !other?.length) continue;
    // Without the rank, axes counted from the end and from the front cannot be compared.
    const fromEnd = [...own, ...other].every((axis) => axis < 0);
    if (!fromEnd && [...own, ...other].some((axis) => axis < 0)) continue;
    if (keeps(first) !== keeps(next)) continue;
    const behind = keeps(first) ? other : other.map((axis) => shifted(axis, own, fromEnd));
    const name = `${next.outputs[0]}/axes`;
    constants.set(name, integerVector([...new Set([...own, ...behind])].sort((a, b) => a - b)));
    merged.set(next, next.rewired([first.inputs[0], name], next.outputs));
    gone.add(original);
  }
  const nodes = graph.nodes.filter((node) => !gone.has(node)).map((node) => merged.get(node) ?? node);
  return { ...graph, nodes, constants };
}

function keeps(node: OnnxNode): boolean {
  return node.integer('keepdims', 1) !== 0;
}

function axesOf(node: OnnxNode, constants: ReadonlyMap<string, OnnxConstant>): number[] | null {
  const given = node.inputs[1] ? constants.get(node.inputs[1]) : null;
  if (given) return [...given.values];
  return node.has('axes') ? node.integers('axes', [], null) : null;
}

/** The axis that `axis` was before the axes `dropped` went; all are counted from the end, or from the front. */
function shifted(axis: number, dropped: readonly number[], fromEnd: boolean): number {
  const turned = (at: number) => -1 - at;
  if (fromEnd) return turned(shifted(turned(axis), dropped.map(turned), false));
  return dropped.toSorted((a, b) => a - b).reduce((at, gone) => (gone <= at ? at + 1 : at), axis);
}
