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
  /** For each removed value the value that takes its place. */
  readonly replaced: ReadonlyMap<string, string>;
}

export interface HeadOperator {
  readonly node: OnnxNode;
  /** The value of the logits' graph that takes the place of its input. */
  readonly reads: string;
}

/** What the outputs of a network mean. */
export interface GraphHead {
  readonly head: OutputHead;
  /** Whether the graph defines it; otherwise it is the likeliest interpretation for this number of outputs. */
  readonly stated: boolean;
  /** Types of the operators that are left to the client, in their order. */
  readonly operators: readonly string[];
}

/** Operators that change the type of probabilities at most. */
const PASSES = ['Identity', 'Cast', 'Dropout'];
/** Operators that move probabilities. */
const SHAPES = ['Reshape', 'Flatten', 'Squeeze', 'Unsqueeze', 'Transpose'];

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

/**
 * Removes the operators at the end of the graph that clients compute themselves. Shape operators among and behind them
 * stay, because they may change the order of the outputs; those behind an ArgMax move a single number and go.
 */
export function withoutHead(graph: OnnxGraph): LogitsGraph {
  const path = pathFrom(graph);
  const operators = path.filter(({ type }) => HEADS.flat().includes(type));
  const head = HEADS.find((types) => types.every((type, i) => operators[i]?.type === type));
  if (!head) return { graph, operators: [], replaced: new Map() };
  const taken = path.slice(0, path.indexOf(operators[head.length - 1]) + 1);
  const first = taken.findIndex(({ type }) => type === 'ArgMax');
  const replaced = new Map<string, string>();
  for (const [i, node] of taken.toReversed().entries()) {
    const source = node.inputs[0] ?? '';
    const stays = SHAPES.includes(node.type) && taken.length - 1 - i > first;
    if (!stays) replaced.set(node.outputs[0], replaced.get(source) ?? source);
  }
  const outputName = replaced.get(graph.outputName) ?? graph.outputName;
  return {
    graph: { ...graph, nodes: logitsNodes(graph.nodes, graph.constants, replaced, outputName), outputName },
    operators: operators
      .slice(0, head.length)
      .map((node) => ({ node, reads: replaced.get(node.inputs[0] ?? '') ?? node.inputs[0] ?? '' }))
      .reverse(),
    replaced,
  };
}

/** All nodes that the logits depend on, with the values that took the place of removed ones. */
export function logitsNodes(
  nodes: readonly OnnxNode[],
  given: { has(name: string): boolean },
  replaced: ReadonlyMap<string, string>,
  outputName: string,
): OnnxNode[] {
  const rewired = nodes
    .filter(({ outputs }) => !replaced.has(outputs[0]))
    .map((node) => {
      if (!node.inputs.some((name) => replaced.has(name))) return node;
      return node.rewired(
        node.inputs.map((name) => replaced.get(name) ?? name),
        node.outputs,
      );
    });
  return inOrder(rewired, makersOf(rewired, given), [outputName]);
}

/** The nodes from the output upward along their first inputs, as far as they can belong to a head. */
function pathFrom(graph: OnnxGraph): OnnxNode[] {
  const { makers } = neighbours(graph);
  const known = new Set([...PASSES, ...SHAPES, ...HEADS.flat()]);
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
 * Returns the meaning of the logits; `sizes` gives those of a value for one image. Throws 'model/unsupported' if a final
 * operator does not run over the outputs, or would give the same result for every input.
 */
export function headOf(
  { graph, operators }: LogitsGraph,
  sizes: (name: string) => readonly number[],
): GraphHead {
  const dims = sizes(graph.outputName);
  const outputs = dims.reduce((product, size) => product * size, 1);
  for (const { node, reads } of operators) checkAxis(node, sizes(reads), outputs, graph.opset);
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

function checkAxis(node: OnnxNode, dims: readonly number[], outputs: number, opset: number): void {
  if (!['Softmax', 'LogSoftmax', 'ArgMax'].includes(node.type)) return;
  const softmax = node.type !== 'ArgMax';
  // Before version 13 a Softmax ran over its axis and all those behind it (onnx/docs/Changelog.md).
  const joined = softmax && opset < 13;
  const axis = node.integer('axis', softmax ? (joined ? 1 : -1) : 0);
  const at = axis < 0 ? axis + dims.length : axis;
  const size = (joined ? dims.slice(at) : dims.slice(at, at + 1)).reduce((a, b) => a * b, 1);
  if (size === outputs && (at > 0 || !joined)) return;
  throw new SphynxError(
    'model/unsupported',
    `${node.type} ${node.label}: it runs over axis ${axis} of ${dims.join('x')}, which is not that of all ${outputs} outputs: run it over the axis of the classes, or leave it out, because clients compute it`,
  );
}
