import onnxProto from 'onnx-proto';
import { OnnxConstant } from './onnx-constant.ts';
import type { OnnxGraph } from './onnx-graph.ts';
import { OnnxNode } from './onnx-node.ts';

const { DataType } = onnxProto.onnx.TensorProto;
const { INT } = onnxProto.onnx.AttributeProto.AttributeType;

/** Replaces norms without a root, of values that depend on the image, by sums of magnitudes or of squares. */
export function withoutNorms(graph: OnnxGraph): OnnxGraph {
  if (!graph.nodes.some(({ type }) => NORMS.has(type))) return graph;
  const constants = new Map(graph.constants);
  // The runtime computes norms of constants itself; its sums may take their axes in another way.
  const computed = new Set([graph.inputName]);
  const nodes = graph.nodes.flatMap((node) => {
    if (!node.reads.some((name) => computed.has(name))) return [node];
    for (const output of node.outputs) computed.add(output);
    return sumNodes(node, constants);
  });
  return { ...graph, constants, nodes };
}

const NORMS: ReadonlySet<string> = new Set(['ReduceL1', 'ReduceSumSquare', 'LpPool']);

function sumNodes(node: OnnxNode, constants: Map<string, OnnxConstant>): OnnxNode[] {
  const name = JSON.parse(node.label);
  const [x, ...axes] = node.inputs;
  const inner = `${node.outputs[0]}\0terms`;
  const output = [...node.outputs];
  switch (node.type) {
    case 'ReduceL1':
      return [
        new OnnxNode({ opType: 'Abs', name, input: [x], output: [inner] }),
        new OnnxNode({ ...node.proto, opType: 'ReduceSum', name, input: [inner, ...axes], output }),
      ];
    case 'ReduceSumSquare':
      return [
        new OnnxNode({ opType: 'Mul', name, input: [x, x], output: [inner] }),
        new OnnxNode({ ...node.proto, opType: 'ReduceSum', name, input: [inner, ...axes], output }),
      ];
    case 'LpPool': {
      // Windows that extend beyond the pads have fewer elements than the mean divides by.
      if (node.integer('p', 2) !== 1 || node.integer('ceil_mode', 0) !== 0) return [node];
      const size = node.integers('kernel_shape', [], null).reduce((product, side) => product * side, 1);
      const [mean, factor] = [`${node.outputs[0]}\0mean`, `${node.outputs[0]}\0size`];
      constants.set(factor, new OnnxConstant({ dims: [], dataType: DataType.DOUBLE, doubleData: [size] }));
      const counted = { name: 'count_include_pad', type: INT, i: 1 };
      const attribute = [...(node.proto.attribute ?? []), counted].filter((own) => own.name !== 'p');
      return [
        new OnnxNode({ opType: 'Abs', name, input: [x], output: [inner] }),
        new OnnxNode({ opType: 'AveragePool', name, input: [inner], output: [mean], attribute }),
        new OnnxNode({ opType: 'Mul', name, input: [mean, factor], output }),
      ];
    }
    default:
      return [node];
  }
}
