import { inOrder, makersOf } from './graph-order.ts';
import { formatError, OnnxConstant } from './onnx-constant.ts';
import { MAX_NODES, type OnnxGraph } from './onnx-graph.ts';
import { OnnxNode } from './onnx-node.ts';
import { renamedNode } from './rename-values.ts';

/**
 * Replaces every If with a constant condition by its branch: exporters write them for conditions on sizes. Returns the
 * same graph if there is none. Throws 'model/format' if the branches have too many nodes.
 */
export function chooseBranches(graph: OnnxGraph): OnnxGraph {
  const constants = new Map(graph.constants);
  const nodes = graph.nodes.flatMap((node) => branchOf(node, constants) ?? [node]);
  if (nodes.length === graph.nodes.length && nodes.every((node, i) => node === graph.nodes[i])) return graph;
  if (nodes.length > MAX_NODES) throw formatError(`its branches make more than ${MAX_NODES} nodes`);
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
 * nodes. Values of the branch get names of their own, because other branches may have the same.
 */
function branchOf(node: OnnxNode, constants: Map<string, OnnxConstant>): OnnxNode[] | null {
  const condition = node.type === 'If' ? constants.get(node.inputs[0]) : undefined;
  if (condition?.values.length !== 1) return null;
  const branch = node.subgraph(condition.values[0] !== 0 ? 'then_branch' : 'else_branch');
  if (!branch) return null;
  const initializers = branch.initializer ?? [];
  const inner = branch.node ?? [];
  const made = new Set([
    ...initializers.map(({ name }) => name ?? ''),
    ...inner.flatMap(({ output }) => output ?? []),
  ]);
  made.delete('');
  // These names contain a zero byte, which names in a file cannot.
  const own = (name: string) => (made.has(name) ? `${node.outputs[0]}\0${name}` : name);
  for (const tensor of initializers) constants.set(own(tensor.name ?? ''), new OnnxConstant(tensor));
  const outputs = node.outputs.map((name, i) => {
    const input = [own(branch.output?.[i]?.name ?? '')];
    return new OnnxNode({
      opType: 'Identity',
      name: `${JSON.parse(node.label)}/${i}`,
      input,
      output: [name],
    });
  });
  return [...inner.map((proto) => new OnnxNode(withLabel(renamedNode(proto, own), proto))), ...outputs];
}

/** A node of no name is called after its output in the file. */
function withLabel(renamed: Proto, { name, output }: Proto): Proto {
  return { ...renamed, name: name || output?.[0] };
}

type Proto = OnnxNode['proto'];
