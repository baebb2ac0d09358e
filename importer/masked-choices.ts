import onnxProto from 'onnx-proto';
import { MAX_ELEMENTS } from '../model/limits.ts';
import { commonDims } from './broadcast.ts';
import { uniformValue } from './choices.ts';
import { type Constant, OnnxConstant } from './onnx-constant.ts';
import type { OnnxGraph } from './onnx-graph.ts';
import { OnnxNode } from './onnx-node.ts';

const { DataType } = onnxProto.onnx.TensorProto;

/**
 * Replaces every Where with a constant mask M by the sum a * M + b * (1 - M): so PyTorch exports
 * torch.where(mask, relu(x), x). Of a branch that is a constant, the masked numbers are added. What cannot be written
 * so stays: an infinite number that is chosen, or masks of more elements than all tensors of a network may have.
 */
export function maskedChoices(graph: OnnxGraph): OnnxGraph {
  const numbers = graph.nodes.reduce((sum, node) => sum + numbersOf(node, graph.constants), 0);
  if (numbers === 0 || numbers > MAX_ELEMENTS) return graph;
  const constants = new Map(graph.constants);
  const nodes = graph.nodes.flatMap((node) => sumNodes(node, constants) ?? [node]);
  return { ...graph, constants, nodes };
}

/** How many numbers the sum in place of a node holds; 0 if the node is no such choice. */
function numbersOf(node: OnnxNode, constants: ReadonlyMap<string, OnnxConstant>): number {
  const mask = maskOf(node, constants);
  if (!mask) return 0;
  return node.inputs.slice(1).reduce((sum, branch) => {
    const dims = commonDims([mask.dims, (constants.get(branch) ?? ONE).dims]) ?? [];
    return sum + dims.reduce((size, dim) => size * dim, 1);
  }, 0);
}

/** The constant mask of a choice. */
function maskOf(node: OnnxNode, constants: ReadonlyMap<string, OnnxConstant>): OnnxConstant | null {
  const mask = node.type === 'Where' ? constants.get(node.inputs[0]) : undefined;
  const usable = mask && node.inputs.length === 3 && mask.values.length > 0 && uniformValue(mask) === null;
  return usable ? mask : null;
}

function sumNodes(node: OnnxNode, constants: Map<string, OnnxConstant>): OnnxNode[] | null {
  const mask = maskOf(node, constants);
  if (!mask) return null;
  const [output] = node.outputs;
  const make = (opType: string, input: string[], name: string) =>
    new OnnxNode({ opType, name: JSON.parse(node.label), input, output: [name] });
  const products: OnnxNode[] = [];
  const terms: string[] = [];
  for (const [i, branch] of [node.inputs[1], node.inputs[2]].entries()) {
    const chosen = (flag: number) => (flag !== 0) === (i === 0);
    const own = constants.get(branch);
    const factor = maskedNumbers(mask, own ?? ONE, chosen);
    if (!factor) return null;
    const name = `${output}\0${i === 0 ? 'chosen' : 'other'}`;
    constants.set(name, factor);
    terms.push(own ? name : `${name} part`);
    if (!own) products.push(make('Mul', [branch, name], `${name} part`));
  }
  return products.length === 0 ? null : [...products, make('Add', terms, output)];
}

const ONE: Constant = { dims: [], values: Float64Array.of(1) };

/** The numbers where the mask chooses them, and 0 elsewhere; null if they are not finite or too many. */
function maskedNumbers(
  mask: Constant,
  numbers: Constant,
  chosen: (flag: number) => boolean,
): OnnxConstant | null {
  const dims = commonDims([mask.dims, numbers.dims]);
  if (!dims) return null;
  const [flags, values] = [mask, numbers].map((constant) => spread(constant, dims));
  const doubleData = Array.from(flags, (flag, i) => (chosen(flag) ? values[i] : 0));
  if (!doubleData.every(Number.isFinite)) return null;
  return new OnnxConstant({ dims, dataType: DataType.DOUBLE, doubleData });
}

/** A constant, repeated to `dims`, to which it broadcasts. */
function spread({ dims: own, values }: Constant, dims: readonly number[]): Float64Array {
  let spread: Float64Array = Float64Array.from(values);
  const sizes = [...new Array<number>(dims.length - own.length).fill(1), ...own];
  let inner = 1;
  for (let axis = dims.length - 1; axis >= 0; axis--) {
    if (sizes[axis] !== dims[axis]) spread = repeated(spread, inner, dims[axis]);
    inner *= dims[axis];
  }
  return spread;
}

/** Every block of `length` numbers `times` times. */
function repeated(values: Float64Array, length: number, times: number): Float64Array {
  const result = new Float64Array(values.length * times);
  for (let block = 0; block < values.length / length; block++)
    for (let i = 0; i < times; i++)
      result.set(values.subarray(block * length, (block + 1) * length), (block * times + i) * length);
  return result;
}
