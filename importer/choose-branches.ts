import { inOrder, makersOf } from './graph-order.ts';
import { OnnxConstant } from './onnx-constant.ts';
import type { OnnxGraph } from './onnx-graph.ts';
import { OnnxNode } from './onnx-node.ts';

/**
 * Replaces every If with a constant condition by its branch: exporters write them for conditions on sizes. Returns the
 * same graph if there is none.
 */
export function chooseBranches(graph: OnnxGraph): OnnxGraph {
  const constants = new Map(graph.constants);
  const nodes = graph.nodes.flatMap((node) => branchOf(node, constants) ?? [node]);
  if (nodes.length === graph.nodes.length && nodes.every((node, i) => node === graph.nodes[i])) return graph;
  const computed = nodes.filter(({ type }) => type !== 'Constant');
  for (const node of nodes)
    if (node.type === 'Constant') constants.set(node.outputs[0], node.constantTensor());
  return {
    ...graph,
    nodes: inOrder(computed, makersOf(computed, constants), [graph.outputName]),
    constants,
  };
}

/**
 * Returns the nodes of the branch that an If takes, with the If's outputs, and adds its constants; null for other
 * nodes.
 */
function branchOf(node: OnnxNode, constants: Map<string, OnnxConstant>): OnnxNode[] | null {
  const condition = node.type === 'If' ? constants.get(node.inputs[0]) : undefined;
  if (condition?.values.length !== 1) return null;
  const branch = node.subgraph(condition.values[0] !== 0 ? 'then_branch' : 'else_branch');
  if (!branch) return null;
  for (const tensor of branch.initializer ?? []) constants.set(tensor.name ?? '', new OnnxConstant(tensor));
  const inner = (branch.node ?? []).map((proto) => new OnnxNode(proto));
  const outputs = node.outputs.map((name, i) => {
    const input = [branch.output?.[i]?.name ?? ''];
    return new OnnxNode({
      opType: 'Identity',
      name: `${JSON.parse(node.label)}/${i}`,
      input,
      output: [name],
    });
  });
  return [...inner, ...outputs];
}
