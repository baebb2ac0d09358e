import type { OnnxGraph } from './onnx-graph.ts';
import type { OnnxNode } from './onnx-node.ts';

/** Returns the node that computes each value, and the one that reads it; null if the value has other uses. */
export function neighbours({ nodes, outputName }: OnnxGraph) {
  const makers = new Map(nodes.map((node) => [node.outputs[0], node]));
  const onlyReaders = new Map<string, OnnxNode | null>([[outputName, null]]);
  for (const node of nodes)
    for (const name of new Set(node.inputs)) onlyReaders.set(name, onlyReaders.has(name) ? null : node);
  return { makers, onlyReaders };
}
