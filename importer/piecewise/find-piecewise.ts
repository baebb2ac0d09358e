import { commonDims } from '../broadcast.ts';
import { uniformValue } from '../choices.ts';
import type { OnnxGraph } from '../onnx-graph.ts';
import type { OnnxNode } from '../onnx-node.ts';
import { constantLine, IDENTITY, jumpOf, MOST_KNOTS, type PiecewiseLine } from './piecewise-line.ts';
import { DECIDING, hasInputs, isDeciding, isLogical, OTHERS } from './pointwise-operators.ts';
import { reluNodes } from './relu-writer.ts';

/**
 * Activations that are written with comparisons, such as x * (x > 0), Where(x < 0, 0.1 * x, x) or x * Sign(x):
 * pointwise operators on one value, with constants of one number each, are evaluated symbolically as a function. If it
 * is continuous, ReLUs of lines replace it.
 */

/** A value as a function of another one. */
export interface Form {
  readonly source: string;
  readonly function: PiecewiseLine;
  /** Whether it is computed by a comparison or a choice. */
  readonly decided: boolean;
  /** The shape to which the constants in it broadcast it. */
  readonly dims: readonly number[];
}

/** Replaces comparisons in the graph by ReLUs, and refuses discontinuous activations. */
export function piecewiseLines(graph: OnnxGraph): OnnxGraph {
  if (!graph.nodes.some(isDeciding)) return graph;
  const forms = new Map<OnnxNode, Form>();
  const values = new Map<string, Form>();
  for (const node of graph.nodes) {
    const form = formOf(node, values, graph);
    if (!form) continue;
    forms.set(node, form);
    values.set(node.outputs[0], form);
  }
  return rewritten(graph, forms);
}

/** Returns the form of a node's output from those of its inputs; null if it is not a piecewise line of one value. */
export function formOf(node: OnnxNode, values: ReadonlyMap<string, Form>, graph: OnnxGraph): Form | null {
  const operators = Object.hasOwn(DECIDING, node.type) ? DECIDING : OTHERS;
  if (!Object.hasOwn(operators, node.type) || node.outputs.length !== 1 || !hasInputs(node)) return null;
  const inputs = node.inputs.map((name): Form | null => {
    const constant = graph.constants.get(name);
    if (!constant) return values.get(name) ?? { source: name, function: IDENTITY, decided: false, dims: [] };
    const value = uniformValue(constant);
    if (value === null || !Number.isFinite(value)) return null;
    return { source: '', function: constantLine(value), decided: false, dims: constant.dims };
  });
  if (!inputs.every((input) => input !== null) || node.inputs.includes('')) return null;
  const sources = new Set(inputs.map(({ source }) => source).filter((source) => source !== ''));
  const dims = commonDims(inputs.map((input) => input.dims));
  if (sources.size !== 1 || !dims) return null;
  const result = operators[node.type](
    inputs.map((input) => input.function),
    node,
  );
  if (!result || result.knots.length > MOST_KNOTS || !hasFiniteParts(result)) return null;
  return {
    source: [...sources][0],
    function: result,
    decided: isDeciding(node) || inputs.some(({ decided }) => decided),
    dims,
  };
}

function hasFiniteParts({ knots, pieces, at }: PiecewiseLine): boolean {
  return [...knots, ...at, ...pieces.flatMap(({ slope, offset }) => [slope, offset])].every(Number.isFinite);
}

function rewritten(graph: OnnxGraph, forms: ReadonlyMap<OnnxNode, Form>): OnnxGraph {
  const isDecided = (node: OnnxNode) => forms.get(node)?.decided === true;
  const readers = new Map<string, OnnxNode[]>();
  for (const node of graph.nodes)
    for (const name of node.reads) readers.set(name, [...(readers.get(name) ?? []), node]);
  /** Whether an operator reads the value for which the comparison in it is of no interest. */
  const isActivation = (node: OnnxNode) =>
    isDecided(node) &&
    !isLogical(node) &&
    (node.outputs[0] === graph.outputName ||
      (readers.get(node.outputs[0]) ?? []).some((reader) => !isDecided(reader)));
  const constants = new Map(graph.constants);
  const failures = new Map(graph.failures);
  const nodes = graph.nodes.flatMap((node) => {
    if (!isActivation(node)) return [node];
    const form = forms.get(node)!;
    const jump = jumpOf(form.function);
    if (jump) {
      failures.set(node.outputs[0], jumpReason(jump));
      return [node];
    }
    return reluNodes(node, constants, form.source, form.function, form.dims);
  });
  return { ...graph, constants, failures, nodes: withoutUnread(graph, nodes, isDecided, failures) };
}

/** Removes comparisons whose activation was rewritten or is refused as a whole. */
function withoutUnread(
  graph: OnnxGraph,
  nodes: readonly OnnxNode[],
  isDecided: (node: OnnxNode) => boolean,
  failures: Map<string, string>,
): OnnxNode[] {
  const read = new Set([graph.outputName]);
  const told = new Set<string>();
  const kept: OnnxNode[] = [];
  for (const node of nodes.toReversed()) {
    const [output] = node.outputs;
    if (isDecided(node) && !read.has(output)) continue;
    kept.push(node);
    for (const name of node.reads) read.add(name);
    if (!isDecided(node)) continue;
    if (failures.get(output)) told.add(output);
    // Values that only a refused activation reads need no separate refusal.
    const own = kept.filter((reader) => reader.reads.includes(output));
    if (!told.has(output) && own.length > 0 && own.every((reader) => told.has(reader.outputs[0]))) {
      failures.set(output, '');
      told.add(output);
    }
  }
  return kept.reverse();
}

function jumpReason({ at, height }: { at: number; height: number }): string {
  return `it compares what is computed from the input, and its result jumps by ${short(height)} where that is ${short(at)}, as no sum of ReLUs does: put a Relu or a Clip in its place and train a few more epochs`;
}

function short(value: number): string {
  return `${Number(value.toPrecision(3))}`;
}
