import { PRODUCT, QUOTIENT } from './arithmetic-operators.ts';
import type { OnnxGraph } from './onnx-graph.ts';
import type { OnnxNode } from './onnx-node.ts';

/** Operators that work element by element, those that cannot be run included. */
const POINTWISE: ReadonlySet<string> = new Set(
  'Identity Cast Dropout Add Sub Sum Mean Neg Mul Div Pow Relu Clip LeakyRelu PRelu Abs Max Min HardSigmoid Sigmoid HardSwish Swish Elu Selu Celu Gelu Mish Tanh Softplus Softsign Erf Exp Log Sqrt Reciprocal'.split(
    ' ',
  ),
);

const REASONS = new Map([
  ['Mul', PRODUCT],
  ['MatMul', PRODUCT],
  ['Div', QUOTIENT],
]);

const known = new WeakMap<OnnxGraph, ReadonlyMap<OnnxNode, string>>();

/**
 * Products and quotients of values that are computed in different ways, with the reason why they cannot be run.
 * Replacing other operators does not help, unlike for x * Sigmoid(x), which is one activation.
 */
export function findGates(graph: OnnxGraph): ReadonlyMap<OnnxNode, string> {
  let found = known.get(graph);
  if (!found) {
    found = search(graph);
    known.set(graph, found);
  }
  return found;
}

function search({ nodes, constants }: OnnxGraph): ReadonlyMap<OnnxNode, string> {
  /** The single value from which each value is computed element by element. */
  const sources = new Map<string, string>();
  const found = new Map<OnnxNode, string>();
  for (const node of nodes) {
    const computed = node.inputs.filter((name) => name !== '' && !constants.has(name));
    const own = new Set(computed.map((name) => sources.get(name) ?? name));
    if (POINTWISE.has(node.type) && own.size === 1) sources.set(node.outputs[0], [...own][0]);
    const reason = REASONS.get(node.type);
    if (reason && own.size > 1) found.set(node, reason);
  }
  return found;
}
