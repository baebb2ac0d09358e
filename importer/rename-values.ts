import type onnxProto from 'onnx-proto';

type Graph = onnxProto.onnx.IGraphProto;
type Node = onnxProto.onnx.INodeProto;
type Attribute = onnxProto.onnx.IAttributeProto;

/** Returns the node with its values named by `own`, also those of graphs in its attributes. */
export function renamedNode(node: Node, own: (name: string) => string): Node {
  return {
    ...node,
    input: (node.input ?? []).map(own),
    output: (node.output ?? []).map(own),
    attribute: (node.attribute ?? []).map((attribute) =>
      withGraphs(attribute, (graph) => renamedGraph(graph, own)),
    ),
  };
}

/** Returns the attribute with its graphs changed. */
export function withGraphs(attribute: Attribute, change: (graph: Graph) => Graph): Attribute {
  if (!attribute.g && !attribute.graphs?.length) return attribute;
  return {
    ...attribute,
    ...(attribute.g ? { g: change(attribute.g) } : {}),
    graphs: (attribute.graphs ?? []).map(change),
  };
}

function renamedGraph(graph: Graph, own: (name: string) => string): Graph {
  const values = <T extends { name?: string | null }>(list: readonly T[] | null | undefined) =>
    (list ?? []).map((value) => ({ ...value, name: own(value.name ?? '') }));
  return {
    ...graph,
    input: values(graph.input),
    output: values(graph.output),
    initializer: values(graph.initializer),
    node: (graph.node ?? []).map((node) => renamedNode(node, own)),
  };
}
