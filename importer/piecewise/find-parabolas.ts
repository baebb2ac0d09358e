import { commonDims } from '../broadcast.ts';
import { inOrder, makersOf } from '../graph-order.ts';
import type { OnnxConstant } from '../onnx-constant.ts';
import type { OnnxGraph } from '../onnx-graph.ts';
import { OnnxNode } from '../onnx-node.ts';
import { findQuadratics } from '../quadratics/find-quadratics.ts';
import { type Form, formOf } from './find-piecewise.ts';
import { NodeWriter } from './node-writer.ts';
import { type Parabola, type PiecewiseParabola, parabolaAt, parabolaOf } from './parabola.ts';
import { IDENTITY, jumpOf, MOST_KNOTS } from './piecewise-line.ts';

/**
 * Products of two piecewise lines of one value, such as x * HardSigmoid(x), which is HardSwish, or x * Relu(x). For
 * each piece that is a parabola, x is limited to that piece by ReLUs and squared; the rest is a piecewise line.
 */

/** Replaces such products in the graph by ReLUs and squares. */
export function piecewiseParabolas(given: OnnxGraph): OnnxGraph {
  const graph = { ...given, nodes: given.nodes.flatMap(hardSwishNodes) };
  const products = graph.nodes.filter(
    ({ type, inputs }) =>
      type === 'Mul' && inputs.length === 2 && !inputs.some((name) => graph.constants.has(name)),
  );
  if (products.length === 0) return given;
  const quadratics = findQuadratics(graph);
  const constants = new Map(graph.constants);
  const values = new Map<string, Form>();
  const nodes = graph.nodes.flatMap((node) => {
    const form = formOf(node, values, graph);
    if (form) values.set(node.outputs[0], form);
    if (!products.includes(node) || quadratics.results.has(node) || quadratics.inside.has(node))
      return [node];
    return parabolaNodes(node, values, constants) ?? [node];
  });
  return { ...graph, constants, nodes: inOrder(nodes, makersOf(nodes, constants), [graph.outputName]) };
}

/** HardSwish as the product that it is (onnx/docs/Operators.md). */
function hardSwishNodes(node: OnnxNode): OnnxNode[] {
  if (node.type !== 'HardSwish') return [node];
  const [x] = node.inputs;
  const gate = `${node.outputs[0]}\0gate`;
  const name = JSON.parse(node.label);
  const attribute = [
    { name: 'alpha', f: 1 / 6 },
    { name: 'beta', f: 0.5 },
  ];
  return [
    new OnnxNode({ opType: 'HardSigmoid', name, input: [x], output: [gate], attribute }),
    new OnnxNode({ opType: 'Mul', name, input: [x, gate], output: [...node.outputs] }),
  ];
}

/** Returns the replacement of a product; null if it is not a product of piecewise lines of one value. */
function parabolaNodes(
  node: OnnxNode,
  values: ReadonlyMap<string, Form>,
  constants: Map<string, OnnxConstant>,
): OnnxNode[] | null {
  const own = (source: string): Form => ({ source, function: IDENTITY, decided: false, dims: [] });
  const [first, second] = node.inputs.map((name) => values.get(name) ?? own(name));
  // Of a value that is no form itself both factors are forms, or one is the value.
  const dims = commonDims([first.dims, second.dims]);
  if (first.source !== second.source || !dims) return null;
  const factors = [first.function, second.function];
  if (factors.some((factor) => jumpOf(factor))) return null;
  const product = parabolaOf(factors[0], factors[1]);
  if (product.knots.length > MOST_KNOTS) return null;
  const writer = new NodeWriter(node, constants);
  return writer.finish(parabolaSum(writer, first.source, product), dims);
}

/** The function of x, with one ReLU per knot and one square per piece that is a parabola. */
function parabolaSum(writer: NodeWriter, x: string, { knots, pieces }: PiecewiseParabola): string {
  if (knots.length === 0) return parabola(writer, x, pieces[0]);
  const relus = knots.map((knot) => writer.add('Relu', [writer.line(x, 1, -knot)]));
  const squared = [...pieces.keys()].filter((i) => pieces[i].square !== 0);
  const squares = squared.map((i) => {
    // x, limited to the piece.
    const raised = i === 0 ? x : writer.line(relus[i - 1], 1, knots[i - 1]);
    const limited = i === knots.length ? raised : writer.add('Sub', [raised, relus[i]]);
    return parabola(writer, limited, pieces[i]);
  });
  // The rest is flat where there is a square.
  const slopes = pieces.map(({ square, slope }) => (square === 0 ? slope : 0));
  const lines = slopes.slice(1).flatMap((slope, i) => {
    const change = slope - slopes[i];
    return change === 0 ? [] : [writer.line(relus[i], change, 0)];
  });
  const atFirst = squared.map((i) => parabolaAt(pieces[i], i === 0 ? knots[0] : knots[i - 1]));
  const rest = atFirst.reduce((left, value) => left - value, parabolaAt(pieces[0], knots[0]));
  const below = slopes[0] === 0 ? [] : [writer.line(x, slopes[0], 0)];
  return writer.line(writer.sum([...squares, ...lines, ...below]), 1, rest - slopes[0] * knots[0]);
}

function parabola(writer: NodeWriter, x: string, { square, slope, offset }: Parabola): string {
  if (square === 0) return writer.line(x, slope, offset);
  const quadratic = writer.line(writer.add('Mul', [x, x]), square, 0);
  const sum = slope === 0 ? quadratic : writer.sum([quadratic, writer.line(x, slope, 0)]);
  return writer.line(sum, 1, offset);
}
