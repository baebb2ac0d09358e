import type { OnnxGraph } from './onnx.ts';

/** The graph without Softmax operators that only the output goes through: clients compute them from the logits. */
export function withoutFinalSoftmax(graph: OnnxGraph): OnnxGraph {
  const { nodes, outputName } = graph;
  const last = nodes.find(({ outputs }) => outputs.includes(outputName));
  const axis = last?.integer('axis', -1);
  const final =
    last && (last.type === 'Softmax' || last.type === 'LogSoftmax') && (axis === 1 || axis === -1);
  if (!final || nodes.some(({ inputs }) => inputs.includes(outputName))) return graph;
  const rest = nodes.filter((node) => node !== last);
  return withoutFinalSoftmax({ ...graph, nodes: rest, outputName: last.inputs[0] ?? '' });
}
