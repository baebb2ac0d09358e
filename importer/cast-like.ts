import onnxProto from 'onnx-proto';
import type { OnnxGraph } from './onnx-graph.ts';
import { OnnxNode } from './onnx-node.ts';

const { DataType } = onnxProto.onnx.TensorProto;
const { INT } = onnxProto.onnx.AttributeProto.AttributeType;

/** Element types of results that differ from the type of their inputs. */
const TYPES: Record<string, number> = {
  Shape: DataType.INT64,
  Size: DataType.INT64,
  ArgMax: DataType.INT64,
  ArgMin: DataType.INT64,
  NonZero: DataType.INT64,
  ...Object.fromEntries(
    'Greater GreaterOrEqual Less LessOrEqual Equal Not And Or Xor IsNaN IsInf'
      .split(' ')
      .map((type) => [type, DataType.BOOL]),
  ),
};

/** Operators whose result has the type of their second input. */
const LIKE_SECOND: ReadonlySet<string> = new Set(['CastLike', 'Where', 'DequantizeLinear']);

/**
 * Replaces each CastLike, with which PyTorch exports bounds and factors without its optimiser, by a Cast. A Cast of a
 * constant reads nothing that depends on the image, so it is computed like any other constant.
 */
export function castsByType(graph: OnnxGraph): OnnxGraph {
  if (!graph.nodes.some(({ type }) => type === 'CastLike')) return graph;
  const types = new Map<string, number>([[graph.inputName, graph.inputType]]);
  const typeOf = (name: string) => types.get(name) ?? graph.constants.get(name)?.tensor.dataType ?? undefined;
  const nodes = graph.nodes.map((node) => {
    const type = resultType(node, typeOf);
    if (type !== undefined) for (const output of node.outputs) types.set(output, type);
    if (node.type !== 'CastLike' || type === undefined) return node;
    return new OnnxNode({
      opType: 'Cast',
      name: JSON.parse(node.label),
      input: node.inputs.slice(0, 1),
      output: [...node.outputs],
      attribute: [{ name: 'to', type: INT, i: type }],
    });
  });
  return { ...graph, nodes };
}

function resultType(node: OnnxNode, typeOf: (name: string) => number | undefined): number | undefined {
  if (node.type === 'Cast') return node.integer('to', DataType.FLOAT);
  if (node.type === 'ConstantOfShape') return node.filler?.dataType ?? DataType.FLOAT;
  if (Object.hasOwn(TYPES, node.type)) return TYPES[node.type];
  return typeOf(node.inputs[LIKE_SECOND.has(node.type) ? 1 : 0] ?? '');
}
