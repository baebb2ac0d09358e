import type { OnnxConstant } from '../onnx-constant.ts';
import type { OnnxNode } from '../onnx-node.ts';
import { NodeWriter } from './node-writer.ts';
import { type PiecewiseLine, valueAt } from './piecewise-line.ts';

/**
 * Returns nodes that replace a node by the continuous piecewise line f of the value x, broadcast to `dims`. Their
 * constants are added to those of the graph.
 */
export function reluNodes(
  node: OnnxNode,
  constants: Map<string, OnnxConstant>,
  x: string,
  f: PiecewiseLine,
  dims: readonly number[],
): OnnxNode[] {
  const writer = new NodeWriter(node, constants);
  return writer.finish(reluSum(writer, x, f), dims);
}

/**
 * A piece, and one ReLU for each knot: of x - knot for those above the piece, of knot - x for those below it, times
 * what the slope changes by. A flat piece needs no linear elements.
 */
function reluSum(writer: NodeWriter, x: string, { knots, pieces }: PiecewiseLine): string {
  const flat = pieces.findIndex(({ slope }) => slope === 0);
  if (knots.length === 0) return writer.line(x, pieces[0].slope, pieces[0].offset);
  const changes = knots.map((_, i) => pieces[i + 1].slope - pieces[i].slope);
  const relus = (first: number) =>
    changes.map((change, i) => {
      const line = i >= first ? writer.line(x, 1, -knots[i]) : writer.line(x, -1, knots[i]);
      return writer.line(writer.add('Relu', [line]), change, 0);
    });
  if (flat >= 0) return writer.line(writer.sum(relus(flat)), 1, pieces[flat].offset);
  // No piece is flat: the first knot takes the line with it.
  const [below, above] = pieces;
  const line = writer.line(x, 1, -knots[0]);
  const leaky = writer.add('LeakyRelu', [line], below.slope / above.slope);
  const first = writer.line(leaky, above.slope, valueAt(below, knots[0]));
  return writer.sum([first, ...relus(0).slice(1)]);
}
