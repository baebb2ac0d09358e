import { neighbours } from './neighbours.ts';
import type { OnnxGraph } from './onnx.ts';
import type { OnnxConstant } from './onnx-constant.ts';
import { OnnxNode } from './onnx-node.ts';

/** For each comparison with a constant, whether it holds for what is larger. */
const HOLDS_ABOVE: Record<string, boolean> = {
  Greater: true,
  GreaterOrEqual: true,
  Less: false,
  LessOrEqual: false,
};

/**
 * Where(x > c, x, c) and its other spellings, as tracers write activations with a threshold, become Max or Min of the
 * value and the constant.
 */
export function choices(graph: OnnxGraph): OnnxGraph {
  const { makers } = neighbours(graph);
  const nodes = graph.nodes.map((node) =>
    node.type === 'Where' ? (chosen(node, makers, graph.constants) ?? node) : node,
  );
  const read = new Set([graph.outputName, ...nodes.flatMap((node) => node.reads)]);
  const needed = (node: OnnxNode) =>
    !Object.hasOwn(HOLDS_ABOVE, node.type) || node.outputs.some((name) => read.has(name));
  return { ...graph, nodes: nodes.filter(needed) };
}

function chosen(
  where: OnnxNode,
  makers: ReadonlyMap<string, OnnxNode>,
  constants: ReadonlyMap<string, OnnxConstant>,
): OnnxNode | null {
  const [condition, whenTrue, whenFalse] = where.inputs;
  const comparison = makers.get(condition);
  if (!comparison || !Object.hasOwn(HOLDS_ABOVE, comparison.type)) return null;
  const turned = constants.has(comparison.inputs[0]);
  const [value, bound] = turned ? comparison.inputs.toReversed() : comparison.inputs;
  const above = HOLDS_ABOVE[comparison.type] !== turned;
  const takesValue = whenTrue === value;
  const other = takesValue ? whenFalse : whenTrue;
  if (!takesValue && whenFalse !== value) return null;
  const limit = uniform(constants.get(bound));
  if (limit === null || constants.get(bound)?.values.length !== 1) return null;
  if (uniform(constants.get(other)) !== limit) return null;
  const name = JSON.parse(where.label);
  const opType = above === takesValue ? 'Max' : 'Min';
  return new OnnxNode({ opType, name, input: [value, other], output: [...where.outputs] });
}

/** The number that a constant holds, maybe many times. */
function uniform(constant: OnnxConstant | undefined): number | null {
  const values = constant?.values ?? [];
  return values.length > 0 && values.every((value) => value === values[0]) ? values[0] : null;
}
