import onnxProto from 'onnx-proto';
import { integerVector, type OnnxConstant } from './onnx-constant.ts';
import type { OnnxGraph } from './onnx-graph.ts';
import { OnnxNode } from './onnx-node.ts';

/**
 * Replaces pads that repeat the map (reflect, edge, wrap) by Slices of one row or column each and a Concat. No
 * convolution with zero padding computes them, but a layer of these rows together with the map does. The named values
 * allow the importer to cut them.
 */
export function edgePads(graph: OnnxGraph): OnnxGraph {
  const constants = new Map(graph.constants);
  const nodes = graph.nodes.flatMap((node) =>
    node.type === 'Pad'
      ? padNodes(node, constants)
      : isLinearResize(node)
        ? resizeNodes(node, constants)
        : [node],
  );
  return { ...graph, nodes, constants };
}

/**
 * Attribute of a Resize whose input has one more row and column on each side, which repeat the outermost ones. Its
 * input 4 is the map without them, for factors that do not need them.
 */
export const PADDED = 'padded';

/** Most rows or columns that one Pad takes from the map: each is a term of the next layer. */
const MOST_TAKEN = 32;

const { INTS, INT } = onnxProto.onnx.AttributeProto.AttributeType;
type Constants = Map<string, OnnxConstant>;

/** The position that each mode takes for position `i` (1 and up) outside; counted from the end if it is negative. */
const TAKEN: Record<
  string,
  { readonly before: (i: number) => number; readonly after: (i: number) => number }
> = {
  reflect: { before: (i) => i, after: (i) => -1 - i },
  edge: { before: () => 0, after: () => -1 },
  wrap: { before: (i) => -i, after: (i) => i - 1 },
};

function padNodes(node: OnnxNode, constants: Constants): OnnxNode[] {
  const mode = node.text('mode', 'constant');
  const listed = node.inputs[1] ? constants.get(node.inputs[1])?.values : node.integers('pads', [], null);
  if (!Object.hasOwn(TAKEN, mode) || !listed) return [node];
  const own = node.inputs[3] ? constants.get(node.inputs[3])?.values : undefined;
  if (node.inputs[3] && !own) return [node];
  const half = listed.length / 2;
  const axes = own ? [...own] : Array.from({ length: half }, (_, axis) => axis);
  if (axes.length !== half) return [node];
  const pads = axes.map((axis, i) => ({ axis, before: listed[i], after: listed[i + half] }));
  const sound = pads.every(
    ({ before, after }) =>
      [before, after].every((n) => Number.isInteger(n) && n >= 0) && before + after <= MOST_TAKEN,
  );
  return sound ? padded(node.label, mode, node.inputs[0], node.outputs[0], pads, constants) : [node];
}

interface AxisPads {
  readonly axis: number;
  readonly before: number;
  readonly after: number;
}

/** Returns the nodes that compute `output` from `input`. */
function padded(
  label: string,
  mode: string,
  input: string,
  output: string,
  pads: readonly AxisPads[],
  constants: Constants,
): OnnxNode[] {
  const needed = pads.filter(({ before, after }) => before + after > 0);
  if (needed.length === 0)
    return [new OnnxNode({ opType: 'Identity', name: JSON.parse(label), input: [input], output: [output] })];
  const nodes: OnnxNode[] = [];
  let from = input;
  for (const [i, { axis, before, after }] of needed.entries()) {
    const stem = `${output}/axis ${axis}`;
    const to = i === needed.length - 1 ? output : stem;
    const taken = new Map<number, string>();
    const slice = (at: number): string => {
      const known = taken.get(at);
      if (known !== undefined) return known;
      const name = `${stem} at ${at}`;
      const bounds = { start: [at], end: [at === -1 ? LAST : at + 1], axis: [axis] };
      const lists = Object.entries(bounds).map(([bound, list]) => {
        constants.set(`${name} ${bound}`, integerVector(list));
        return `${name} ${bound}`;
      });
      nodes.push(new OnnxNode({ opType: 'Slice', name, input: [from, ...lists], output: [name] }));
      taken.set(at, name);
      return name;
    };
    const front = Array.from({ length: before }, (_, k) => slice(TAKEN[mode].before(before - k)));
    const back = Array.from({ length: after }, (_, k) => slice(TAKEN[mode].after(k + 1)));
    nodes.push(
      new OnnxNode({
        opType: 'Concat',
        name: JSON.parse(label),
        input: [...front, from, ...back],
        output: [to],
        attribute: [{ name: 'axis', type: INT, i: axis }],
      }),
    );
    from = to;
  }
  return nodes;
}

/** An end beyond every axis. */
const LAST = 2 ** 31 - 1;

/** Whether a Resize weighs neighbours at equal distances, with the outermost ones repeated beyond the border. */
function isLinearResize(node: OnnxNode): boolean {
  const mode = node.text('coordinate_transformation_mode', 'half_pixel');
  return (
    /^(Resize|Upsample)$/.test(node.type) &&
    node.text('mode', 'nearest') === 'linear' &&
    /^(half_pixel|pytorch_half_pixel|asymmetric)$/.test(mode) &&
    !node.has(PADDED) &&
    !node.has('axes')
  );
}

function resizeNodes(node: OnnxNode, constants: Constants): OnnxNode[] {
  const sizes = [...node.inputs.slice(1)].reverse().find((name) => constants.get(name)?.values.length);
  const rank = sizes === undefined ? 0 : (constants.get(sizes)?.values.length ?? 0);
  if (rank !== 3 && rank !== 4) return [node];
  const name = `${node.outputs[0]}/edges`;
  const axes = rank === 4 ? [2, 3] : [2];
  const pads = axes.map((axis) => ({ axis, before: 1, after: 1 }));
  const [input, roi = '', scales = '', ...more] = node.inputs;
  const { proto } = node.rewired([name, roi, scales, more[0] ?? '', input], node.outputs);
  const attribute = [...(proto.attribute ?? []), { name: PADDED, type: INTS, ints: [1] }];
  return [
    ...padded(node.label, 'edge', node.inputs[0], name, pads, constants),
    new OnnxNode({ ...proto, attribute }),
  ];
}
