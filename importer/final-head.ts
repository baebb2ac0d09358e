import { SphynxError } from '../errors/sphynx-error.ts';
import { headFits, type OutputHead } from '../model/head.ts';
import { inOrder, makersOf } from './graph-order.ts';
import { neighbours } from './neighbours.ts';
import type { OnnxGraph } from './onnx-graph.ts';
import type { OnnxNode } from './onnx-node.ts';

/** A graph whose outputs are the logits, and the operators after them, which are left to the client. */
export interface LogitsGraph {
  readonly graph: OnnxGraph;
  /** The removed operators, the one nearest to the logits first. */
  readonly operators: readonly HeadOperator[];
}

export interface HeadOperator {
  readonly node: OnnxNode;
  /** Whether it reads the logits in the shape in which the rest of the graph produces them. */
  readonly adjacent: boolean;
}

/** What the outputs of a network mean. */
export interface GraphHead {
  readonly head: OutputHead;
  /** Whether the graph defines it; otherwise it is the likeliest interpretation for this number of outputs. */
  readonly stated: boolean;
  /** Types of the operators that are left to the client, in their order. */
  readonly operators: readonly string[];
}

/** Operators that change the shape or type of probabilities and nothing else. */
const SHAPES = ['Identity', 'Reshape', 'Flatten', 'Squeeze', 'Unsqueeze', 'Transpose', 'Cast', 'Dropout'];

/** Runs of operators that clients compute from the logits, read from the output on. */
const HEADS: readonly (readonly string[])[] = [
  ['ArgMax', 'Log', 'Softmax'],
  ['ArgMax', 'LogSoftmax'],
  ['ArgMax', 'Softmax'],
  ['ArgMax', 'Sigmoid'],
  ['ArgMax'],
  ['Log', 'Softmax'],
  ['LogSoftmax'],
  ['Softmax'],
  ['Sigmoid'],
];

/** Removes the operators at the end of the graph that clients compute themselves, with shape operators among them. */
export function withoutHead(graph: OnnxGraph): LogitsGraph {
  const path = pathFrom(graph);
  const operators = path.filter(({ type }) => !SHAPES.includes(type));
  const head = HEADS.find((types) => types.every((type, i) => operators[i]?.type === type));
  if (!head) return { graph, operators: [] };
  const taken = path.slice(0, path.indexOf(operators[head.length - 1]) + 1);
  const outputName = taken[taken.length - 1].inputs[0] ?? '';
  const makers = makersOf(graph.nodes, graph.constants);
  // Other readers of the probabilities lead to no output.
  const nodes = inOrder(graph.nodes, makers, [outputName]);
  const reversed = taken.toReversed();
  const firstShape = reversed.findIndex(({ type }) => SHAPES.includes(type));
  return {
    graph: { ...graph, nodes, outputName },
    operators: reversed
      .map((node, i) => ({ node, adjacent: firstShape < 0 || i < firstShape }))
      .filter(({ node }) => !SHAPES.includes(node.type)),
  };
}

/** The nodes from the output upward along their first inputs, as far as they can belong to a head. */
function pathFrom(graph: OnnxGraph): OnnxNode[] {
  const { makers } = neighbours(graph);
  const known = new Set([...SHAPES, ...HEADS.flat()]);
  const path: OnnxNode[] = [];
  let node = makers.get(graph.outputName);
  // A graph may have a cycle.
  while (node && known.has(node.type) && !path.includes(node)) {
    path.push(node);
    node = makers.get(node.inputs[0] ?? '');
  }
  return path;
}

/**
 * Returns the meaning of the logits, whose sizes in the graph are `dims`, the batch first. Throws 'model/unsupported'
 * if a final operator does not run over the outputs, or would give the same result for every input.
 */
export function headOf({ graph, operators }: LogitsGraph, dims: readonly number[]): GraphHead {
  const outputs = dims.reduce((product, size) => product * size, 1);
  for (const operator of operators) checkAxis(operator, dims, outputs, graph.opset);
  const types = operators.map(({ node }) => node.type);
  if (types.length === 0) return { head: likeliestHead(dims, outputs), stated: false, operators: types };
  const head = types.join() === 'Sigmoid' ? (outputs === 1 ? 'sigmoid' : 'multi-label') : 'softmax';
  if (!headFits(head, outputs))
    throw new SphynxError(
      'model/unsupported',
      `its ${types.join(' and ')} at the end reads a single number, and gives the same for every input: end the network in a Sigmoid, or in a number for each class`,
    );
  return { head, stated: true, operators: types };
}

/** One number distinguishes two classes; a vector of numbers means classes; several axes mean something else. */
function likeliestHead(dims: readonly number[], outputs: number): OutputHead {
  if (outputs === 1) return 'sigmoid';
  return dims.filter((size) => size > 1).length === 1 ? 'softmax' : 'values';
}

function checkAxis(
  { node, adjacent }: HeadOperator,
  dims: readonly number[],
  outputs: number,
  opset: number,
): void {
  if (!['Softmax', 'LogSoftmax', 'ArgMax'].includes(node.type)) return;
  const softmax = node.type !== 'ArgMax';
  // Before version 13 a Softmax ran over its axis and all those behind it (onnx/docs/Changelog.md).
  const joined = softmax && opset < 13;
  const axis = node.integer('axis', softmax ? (joined ? 1 : -1) : 0);
  const at = axis < 0 ? axis + dims.length : axis;
  const size = adjacent
    ? (joined ? dims.slice(at) : dims.slice(at, at + 1)).reduce((a, b) => a * b, 1)
    : null;
  const right = size === null ? axis === 1 || axis === -1 : at > 0 && size === outputs;
  if (right) return;
  throw new SphynxError(
    'model/unsupported',
    `${node.type} ${node.label}: it runs over axis ${axis} of ${adjacent ? dims.join('x') : 'what was reshaped'}, which is not that of all ${outputs} outputs: run it over the axis of the classes, or leave it out, because clients compute it`,
  );
}
