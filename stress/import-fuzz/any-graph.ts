/** Random small networks from random combinations of the operators in exports, for tests and fuzzing. */
import onnxProto from 'onnx-proto';
import { OnnxBuilder } from '../../test/support/onnx-builder.ts';

interface Value {
  readonly name: string;
  readonly channels: number;
  readonly height: number;
  readonly width: number;
}

type Step = (b: OnnxBuilder, x: Value, all: readonly Value[]) => Value | null;

export interface AnyGraph {
  readonly file: Uint8Array;
  /** Sizes of the input in the file, with a batch of one if the file leaves it open. */
  readonly dims: readonly number[];
  readonly channelsLast: boolean;
}

const MOST_CHANNELS = 12;
const MOST_ELEMENTS = 1200;

const upTo = (b: OnnxBuilder, most: number) => 1 + Math.floor(b.random() * most);
const pick = <T>(b: OnnxBuilder, list: readonly T[]): T => list[upTo(b, list.length) - 1];
const chance = (b: OnnxBuilder) => b.random() < 0.5;
const lists = (b: OnnxBuilder, ...all: number[][]) => all.map((list) => b.integers(list));
const toLast = (b: OnnxBuilder, x: string) => b.node('Transpose', [x], { perm: [0, 2, 3, 1] });
const toFirst = (b: OnnxBuilder, x: string) => b.node('Transpose', [x], { perm: [0, 3, 1, 2] });
const kept = (x: Value, name: string): Value => ({ ...x, name });

/** Steps that can be applied to a map; null if one does not fit. */
const STEPS: readonly Step[] = [
  (b, x) => {
    const channels = upTo(b, 6);
    const strides = pick(b, [
      [1, 1],
      [1, 1],
      [2, 2],
      [1, 2],
    ]);
    const [height, width] = [Math.ceil(x.height / strides[0]), Math.ceil(x.width / strides[1])];
    return {
      channels,
      height,
      width,
      name: b.conv(x.name, x.channels, channels, 3, { pads: [1, 1, 1, 1], strides }),
    };
  },
  (b, x) =>
    kept(
      x,
      b.conv(x.name, x.channels, x.channels, 3, { pads: [2, 2, 2, 2], dilations: [2, 2], group: x.channels }),
    ),
  (b, x) => {
    const channels = upTo(b, 6);
    return { ...x, channels, name: b.conv(x.name, x.channels, channels, 1) };
  },
  (b, x) => kept(x, b.batchNorm(x.name, x.channels)),
  (b, x) => kept(x, b.node('Relu', [x.name])),
  (b, x) => kept(x, b.node('Relu', [x.name])),
  (b, x) => kept(x, b.node('Clip', [x.name, b.values([], [-0.3]), b.values([], [0.9])])),
  (b, x) => kept(x, b.node(pick(b, ['Max', 'Min']), [x.name, b.constant([x.channels, 1, 1])])),
  (b, x) => kept(x, b.node(pick(b, ['Abs', 'LeakyRelu', 'HardSigmoid', 'HardSwish', 'Neg']), [x.name])),
  (b, x) => kept(x, b.node(pick(b, ['Mul', 'Add', 'Sub']), [x.name, b.constant([x.channels, 1, 1])])),
  (b, x) => kept(x, b.node('Add', [x.name, b.constant([x.channels, x.height, x.width])])),
  (b, x) => kept(x, b.quadratic(x.name, x.channels)),
  (b, x) => kept(x, b.node(pick(b, ['Add', 'Sub']), [x.name, b.node('Pow', [x.name, b.values([], [2])])])),
  (b, x) => {
    const dims = pick(b, [
      [x.channels, 1, 1],
      [x.channels, x.height, x.width],
    ]);
    const mask = Array.from({ length: dims.reduce((size, side) => size * side) }, () => Number(chance(b)));
    const other = pick(b, [x.name, b.node('Relu', [x.name])]);
    return kept(x, b.masked(b.quadratic(x.name, x.channels), other, dims, mask));
  },
  // Layouts.
  (b, x) => {
    const biased = b.node('Add', [toLast(b, x.name), b.constant([x.channels])]);
    return kept(x, toFirst(b, chance(b) ? b.node('Relu', [biased]) : biased));
  },
  (b, x) => {
    const channels = upTo(b, 5);
    const product = b.node('MatMul', [toLast(b, x.name), b.constant([x.channels, channels])]);
    return { ...x, channels, name: toFirst(b, product) };
  },
  (b, x) => {
    const width = upTo(b, 6);
    return { ...x, width, name: b.node('MatMul', [x.name, b.constant([x.width, width])]) };
  },
  (b, x) => ({
    ...x,
    height: x.width,
    width: x.height,
    name: b.node('Transpose', [x.name], { perm: [0, 1, 3, 2] }),
  }),
  (b, x) => {
    if (x.height % 2 !== 0 || x.width % 2 !== 0) return null;
    const name = b.node('SpaceToDepth', [x.name], { blocksize: 2 });
    return { channels: 4 * x.channels, height: x.height / 2, width: x.width / 2, name };
  },
  (b, x) => {
    if (x.channels % 4 !== 0) return null;
    const name = b.node('DepthToSpace', [x.name], { blocksize: 2, mode: pick(b, ['DCR', 'CRD']) });
    return { channels: x.channels / 4, height: 2 * x.height, width: 2 * x.width, name };
  },
  (b, x) => {
    if (x.channels % 2 !== 0) return null;
    const grouped = b.node('Reshape', [x.name, b.integers([0, 2, x.channels / 2, x.height, x.width])]);
    const turned = b.node('Transpose', [grouped], { perm: [0, 2, 1, 3, 4] });
    return kept(x, b.node('Reshape', [turned, b.node('Shape', [x.name])]));
  },
  // Windows.
  (b, x) => {
    const [rows, columns] = [upTo(b, Math.min(3, x.height)), upTo(b, Math.min(3, x.width))];
    const window = { kernel_shape: [rows, columns], strides: [rows, columns] };
    const [height, width] = [Math.floor(x.height / rows), Math.floor(x.width / columns)];
    return { ...x, height, width, name: b.node(pick(b, ['MaxPool', 'AveragePool']), [x.name], window) };
  },
  (b, x) => {
    const window = { kernel_shape: [3, 3], pads: [1, 1, 1, 1], count_include_pad: upTo(b, 2) - 1 };
    return kept(x, b.node('AveragePool', [x.name], window));
  },
  (b, x) => {
    const channels = upTo(b, 3);
    const [weights, bias] = [b.constant([x.channels, channels, 4, 4]), b.constant([channels])];
    const name = b.node('ConvTranspose', [x.name, weights, bias], { strides: [2, 2], pads: [1, 1, 1, 1] });
    return { channels, height: 2 * x.height, width: 2 * x.width, name };
  },
  // Parts and wholes.
  (b, x) => {
    if (x.height < 3) return null;
    const first = upTo(b, 2) - 1;
    const name = b.node('Slice', [x.name, ...lists(b, [first, 0], [99, 99], [2, 3], [2, 1])]);
    return { ...x, height: Math.ceil((x.height - first) / 2), name };
  },
  (b, x) => kept(x, b.node('Slice', [x.name, ...lists(b, [-1], [-99], [upTo(b, 3)], [-1])])),
  (b, x) => {
    const name = b.node('Pad', [
      x.name,
      b.integers([0, 1, 1, 0, 0, 2, 0, 1]),
      b.values([], [pick(b, [0, 0, 0.5])]),
    ]);
    return { channels: x.channels + 3, height: x.height + 1, width: x.width + 1, name };
  },
  (b, x) => {
    if (x.channels < 2) return null;
    const first = upTo(b, x.channels - 1);
    const [name] = b.nodes('Split', [x.name, b.integers([first, x.channels - first])], 2, { axis: 1 });
    return { ...x, channels: first, name };
  },
  (b, x, all) => {
    const same = all.filter((y) => y.height === x.height && y.width === x.width);
    const other = pick(b, same);
    return {
      ...x,
      channels: x.channels + other.channels,
      name: b.node('Concat', [x.name, other.name], { axis: 1 }),
    };
  },
  (b, x) => ({ ...x, height: 2 * x.height, name: b.node('Concat', [x.name, x.name], { axis: 2 }) }),
  (b, x, all) => {
    const same = all.filter((y) => y.channels === x.channels && y.height === x.height && y.width === x.width);
    return kept(x, b.node(pick(b, ['Add', 'Sub', 'Max']), [x.name, pick(b, same).name]));
  },
  (b, x) =>
    kept(
      x,
      b.node('Add', [x.name, b.conv(b.node('GlobalAveragePool', [x.name]), x.channels, x.channels, 1)]),
    ),
  (b, x) => kept(x, b.node('Add', [x.name, b.node('ReduceMax', [x.name], { axes: [1] })])),
  // Enlarged, mirrored, and products by equations.
  (b, x) => {
    const [rows, columns] = [upTo(b, 2), upTo(b, 2)];
    const modes = pick<Record<string, string>>(b, [
      { mode: 'nearest', coordinate_transformation_mode: 'asymmetric', nearest_mode: 'floor' },
      { mode: 'linear', coordinate_transformation_mode: 'half_pixel', nearest_mode: 'floor' },
    ]);
    const name = b.node('Resize', [x.name, '', b.values([4], [1, 1, rows, columns])], modes);
    return { ...x, height: rows * x.height, width: columns * x.width, name };
  },
  (b, x) => {
    if (x.height < 2 || x.width < 2) return null;
    const mode = pick(b, ['reflect', 'edge']);
    const name = b.node('Pad', [x.name, b.integers([0, 0, 1, 0, 0, 0, 0, 1])], { mode });
    return { ...x, height: x.height + 1, width: x.width + 1, name };
  },
  (b, x) => {
    const height = Math.ceil(x.height / 2);
    const name = b.node('Slice', [x.name, ...lists(b, [-1, -1], [-99, -99], [2, 3], [-2, -1])]);
    return { ...x, height, name };
  },
  // Windows as F.unfold takes them, repeated maps, and activations by comparisons.
  (b, x) => {
    if (x.height < 3) return null;
    const [height, step] = [Math.floor((x.height - 2) / 2) + 1, 2];
    const places = [0, 1].flatMap((tap) => Array.from({ length: height }, (_, i) => tap + i * step));
    const indices = b.node('Reshape', [b.integers(places), b.integers([2, height])]);
    const windows = b.node('Gather', [x.name, indices], { axis: 2 });
    const channels = 2 * x.channels;
    return {
      ...x,
      channels,
      height,
      name: b.node('Reshape', [windows, b.integers([0, channels, height, x.width])]),
    };
  },
  (b, x) => {
    const [channels, width] = [upTo(b, 2), upTo(b, 2)];
    const name = b.node('Tile', [x.name, b.integers([1, channels, 1, width])]);
    return { ...x, channels: channels * x.channels, width: width * x.width, name };
  },
  (b, x) => {
    const bound = b.values([], [pick(b, [0, 0.25])]);
    const condition = b.node(pick(b, ['Greater', 'GreaterOrEqual']), [x.name, bound]);
    if (chance(b)) return kept(x, b.node('Where', [condition, x.name, bound]));
    const above = b.node('Cast', [condition], { to: 1 });
    return kept(x, b.node('Mul', [b.node('Sub', [x.name, bound]), above]));
  },
  (b, x) => {
    const condition = b.node('Less', [x.name, b.values([], [0])]);
    const line = b.node('Mul', [x.name, b.values([], [pick(b, [0.1, -1])])]);
    return kept(x, b.node('Where', [condition, line, x.name]));
  },
  (b, x) => {
    const channels = upTo(b, 5);
    const weights = b.constant([channels, x.channels]);
    return { ...x, channels, name: b.node('Einsum', [x.name, weights], { equation: 'bchw,oc->bohw' }) };
  },
];

/** Heads: from a map to three logits. */
const HEADS: readonly ((b: OnnxBuilder, x: Value) => string)[] = [
  (b, x) => b.classifier(x.name, x.channels, 3),
  (b, x) => {
    const rows = b.node('ReduceMean', [x.name], { axes: [3], keepdims: 0 });
    return b.node('MatMul', [
      b.node('ReduceMean', [rows], { axes: [2], keepdims: 0 }),
      b.constant([x.channels, 3]),
    ]);
  },
  (b, x) => {
    const means = b.node('ReduceMean', [toLast(b, x.name)], { axes: [1, 2], keepdims: 0 });
    return b.node('Add', [b.node('MatMul', [means, b.constant([x.channels, 3])]), b.constant([3])]);
  },
  (b, x) => {
    const depth = x.channels * x.height * x.width;
    const flat = b.node('Flatten', [chance(b) ? toLast(b, x.name) : x.name]);
    return b.node('Gemm', [
      chance(b) ? b.batchNorm(flat, depth) : flat,
      b.constant([depth, 3]),
      b.constant([3]),
    ]);
  },
  (b, x) => {
    const largest = b.node('MaxPool', [x.name], { kernel_shape: [x.height, x.width] });
    return b.node('MatMul', [b.node('Flatten', [largest]), b.constant([x.channels, 3])]);
  },
];

/** A file with about `steps` operators, whose input may have its channels last and be a batch of several. */
export function anyGraph(seed: number, steps: number): AnyGraph {
  const input = { channels: 2, height: 6, width: 4 };
  const b = new OnnxBuilder(input, seed);
  const channelsLast = chance(b);
  const batch = pick(b, ['N', 1, 1, 3]);
  const first: Value = { ...input, name: channelsLast ? toFirst(b, 'image') : 'image' };
  const values = [first];
  for (let i = 0; i < steps; i++) {
    const value = pick(b, STEPS)(b, values[values.length - 1], values);
    const fits =
      value &&
      value.channels <= MOST_CHANNELS &&
      value.channels * value.height * value.width <= MOST_ELEMENTS;
    if (fits) values.push(value);
  }
  const output = pick(b, HEADS)(b, values[values.length - 1]);
  const sizes = channelsLast ? [6, 4, 2] : [2, 6, 4];
  const made = b.finish(output, [batch, ...sizes], 17);
  const { ModelProto } = onnxProto.onnx;
  const model = ModelProto.decode(made);
  // Exporters write nodes in topological order; some tools do not.
  if (chance(b)) model.graph!.node!.sort((x, y) => (x.name! < y.name! ? -1 : 1));
  if (chance(b))
    model.graph!.input!.push({
      name: 'unread',
      type: { tensorType: { elemType: 1, shape: { dim: [{ dimValue: 1 }] } } },
    });
  const dims = [typeof batch === 'number' ? batch : 1, ...sizes];
  return { file: ModelProto.encode(model).finish(), dims, channelsLast };
}
