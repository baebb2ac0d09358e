import type { AffineValue } from './affine.ts';
import { perElement } from './bias.ts';
import { broadcast } from './broadcast.ts';
import { sizesOf } from './layout.ts';
import { neighbours } from './neighbours.ts';
import type { Constant } from './onnx-constant.ts';
import type { OnnxGraph } from './onnx-graph.ts';
import type { OnnxNode } from './onnx-node.ts';
import { unsupported } from './refusals.ts';

/**
 * Selective linearization in an ONNX graph: with constants M and C = 1 - M of zeros and ones,
 *
 *     R = Relu(X);  Add(Mul(R, M), Mul(X, C))
 *
 * is the ReLU of X where M is 1, and X itself elsewhere. The four nodes together make one layer.
 */
export interface MaskedRelu {
  /** M. */
  readonly kept: Constant;
  /** C. */
  readonly passed: Constant;
  /** The output of the Add. */
  readonly output: string;
}

/** Finds all four nodes of every masked Relu in the graph whose inner values have no other readers. */
export function findMaskedRelus(graph: OnnxGraph): Map<OnnxNode, MaskedRelu> {
  const { makers, onlyReaders } = neighbours(graph);
  /** The constant that a node multiplies a value by. */
  const factor = (node: OnnxNode | null | undefined, value: string): Constant | undefined => {
    if (node?.type !== 'Mul' || node.inputs.length !== 2 || !node.inputs.includes(value)) return undefined;
    const constant = graph.constants.get(otherInput(node, value));
    return constant && isSlopes(constant) ? undefined : constant;
  };
  const found = new Map<OnnxNode, MaskedRelu>();
  for (const relu of graph.nodes.filter(({ type }) => type === 'Relu')) {
    const [source, result] = [relu.inputs[0], relu.outputs[0]];
    const keeping = onlyReaders.get(result);
    const kept = factor(keeping, result);
    if (!keeping || !kept) continue;
    const add = onlyReaders.get(keeping.outputs[0]);
    if (add?.type !== 'Add' || add.inputs.length !== 2) continue;
    const passing = makers.get(otherInput(add, keeping.outputs[0]));
    const passed = factor(passing, source);
    if (!passing || !passed || onlyReaders.get(passing.outputs[0]) !== add) continue;
    for (const node of [relu, keeping, passing, add])
      found.set(node, { kept, passed, output: add.outputs[0] });
  }
  return found;
}

/** Whether a constant is one number, or one per channel, and not a mask: 0.9 Relu(x) + 0.1 x is a leaky Relu. */
function isSlopes({ dims, values }: Constant): boolean {
  return dims.filter((size) => size > 1).length <= 1 && !values.some((flag) => flag === 0 || flag === 1);
}

/** The second of a node's two inputs, or the first if the second is `value`. */
function otherInput({ inputs }: OnnxNode, value: string): string {
  return inputs[inputs[0] === value ? 1 : 0];
}

/**
 * Flags of the linear elements of the layer that `value` becomes; null if there are none. Throws 'model/unsupported' if
 * the constants are not masks of zeros and ones for it, or not each other's complement.
 */
export function maskFlags({ kept, passed }: MaskedRelu, value: AffineValue): Uint8Array | null {
  const [mask, linear] = [kept, passed].map((constant) => spread(constant, value));
  for (let i = 0; i < mask.length; i++)
    if (mask[i] + linear[i] !== 1)
      throw unsupported('its masks do not add up to 1 at every element: export M and 1 - M');
  return linear.includes(1) ? linear : null;
}

/** A mask, broadcast to the elements of `value`. */
function spread(constant: Constant, value: AffineValue): Uint8Array {
  const mask = broadcast(constant, value);
  if (mask === null)
    throw unsupported(
      `its mask of ${constant.dims.join('x')} does not fit its map of ${sizesOf(value.layout).join('x')} elements: export it as [C, H, W] or [C, 1, 1]`,
    );
  if (mask.some((flag) => flag !== 0 && flag !== 1))
    throw unsupported('its mask has other values than 0 and 1: round it');
  return Uint8Array.from(perElement(mask, value.shape));
}
