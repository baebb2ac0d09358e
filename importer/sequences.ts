import onnxProto from 'onnx-proto';
import { inOrder, makersOf } from './graph-order.ts';
import { integerVector, type OnnxConstant } from './onnx-constant.ts';
import type { OnnxGraph } from './onnx-graph.ts';
import { OnnxNode } from './onnx-node.ts';

const { INT } = onnxProto.onnx.AttributeProto.AttributeType;

/**
 * The graph without sequences, which PyTorch exports for chunk, split, unbind, cat and stack without its optimiser. An
 * element of a SplitToSequence becomes a Slice, one of a SequenceConstruct the value itself, and a ConcatFromSequence a
 * Concat. What takes its elements by computed positions stays, and is refused by name.
 */
export function withoutSequences(graph: OnnxGraph): OnnxGraph {
  if (!graph.nodes.some(({ type }) => MAKERS.has(type))) return graph;
  const constants = new Map(graph.constants);
  const makers = makersOf(graph.nodes, constants);
  const written = graph.nodes.flatMap((node) => {
    const sequence = makers.get(node.inputs[0] ?? '');
    if (!sequence || !MAKERS.has(sequence.type)) return [node];
    if (node.type === 'SequenceAt') return elementNodes(node, sequence, constants) ?? [node];
    if (node.type === 'ConcatFromSequence' && sequence.type === 'SequenceConstruct')
      return concatNodes(node, sequence, constants);
    return [node];
  });
  return { ...graph, constants, nodes: inOrder(written, makersOf(written, constants), [graph.outputName]) };
}

const MAKERS: ReadonlySet<string> = new Set(['SplitToSequence', 'SequenceConstruct']);

/** The nodes that give one element of a sequence; null where its position is not known. */
function elementNodes(
  node: OnnxNode,
  sequence: OnnxNode,
  constants: Map<string, OnnxConstant>,
): OnnxNode[] | null {
  const at = constants.get(node.inputs[1] ?? '')?.values[0];
  if (at === undefined || !Number.isInteger(at)) return null;
  const [output] = node.outputs;
  const make = (opType: string, input: string[], name = output) =>
    new OnnxNode({ opType, name: JSON.parse(node.label), input, output: [name] });
  if (sequence.type === 'SequenceConstruct') {
    const element = sequence.inputs.at(at);
    return element ? [make('Identity', [element])] : null;
  }
  const bounds = boundsOf(sequence, at, constants);
  if (!bounds) return null;
  const axis = sequence.integer('axis', 0);
  const lists = Object.entries({ ...bounds, axis }).map(([what, value]) => {
    const name = `${output}\0${what}`;
    constants.set(name, integerVector([value]));
    return name;
  });
  const input = [sequence.inputs[0], ...lists];
  // Of single elements the axis itself may be dropped.
  if (sequence.inputs[1] || sequence.integer('keepdims', 1) !== 0) return [make('Slice', input)];
  const whole = `${output}\0whole`;
  return [make('Slice', input, whole), make('Squeeze', [whole, lists[2]])];
}

/** Where element `at` of a SplitToSequence begins and ends on its axis; null where that follows from no constant. */
function boundsOf(
  sequence: OnnxNode,
  at: number,
  constants: ReadonlyMap<string, OnnxConstant>,
): { start: number; end: number } | null {
  const split = sequence.inputs[1] ? constants.get(sequence.inputs[1]) : null;
  if (split === undefined) return null;
  const sizes = split?.dims.length === 1 ? [...split.values] : null;
  if (sizes) {
    const index = at < 0 ? at + sizes.length : at;
    if (index < 0 || index >= sizes.length) return null;
    const start = sizes.slice(0, index).reduce((sum, size) => sum + size, 0);
    return { start, end: start + sizes[index] };
  }
  const size = split ? split.values[0] : 1;
  // From the end, the last element may be shorter than the others.
  if (at < 0 && size !== 1) return null;
  const end = (at + 1) * size;
  return { start: at * size, end: end === 0 ? LAST : end };
}

/** An end beyond every axis. */
const LAST = 2 ** 31 - 1;

function concatNodes(node: OnnxNode, { inputs }: OnnxNode, constants: Map<string, OnnxConstant>): OnnxNode[] {
  const axis = node.integer('axis', 0);
  const name = JSON.parse(node.label);
  const attribute = [{ name: 'axis', type: INT, i: axis }];
  const concat = (input: readonly string[]) =>
    new OnnxNode({ opType: 'Concat', name, input: [...input], output: [...node.outputs], attribute });
  if (node.integer('new_axis', 0) === 0) return [concat(inputs)];
  const axes = `${node.outputs[0]}\0axes`;
  constants.set(axes, integerVector([axis]));
  const grown = inputs.map((input, i) => [input, `${node.outputs[0]}\0${i}`]);
  return [
    ...grown.map(
      ([input, output]) =>
        new OnnxNode({ opType: 'Unsqueeze', name, input: [input, axes], output: [output] }),
    ),
    concat(grown.map(([, output]) => output)),
  ];
}
