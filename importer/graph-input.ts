import onnxProto from 'onnx-proto';
import { SphynxError } from '../errors/sphynx-error.ts';
import { elementsOf } from '../model/geometry.ts';
import { fitsPicture, type InputKind } from '../model/input-kind.ts';
import { MAX_CHANNELS, MAX_ELEMENTS, MAX_SIDE } from '../model/limits.ts';
import type { Shape } from '../model/shape.ts';
import { type Layout, mapLayout, permuted, wholeAxis } from './layout.ts';
import { formatError, toInteger } from './onnx-constant.ts';
import type { OnnxNode } from './onnx-node.ts';

/** The single input of the graph, and its layout. */
export interface GraphInput {
  readonly input: Shape;
  readonly inputKind: InputKind;
  readonly layout: Layout;
  /** Whether the file takes bytes, which for a picture are pixels from 0 to 255. */
  readonly bytes: boolean;
}

/** One interpretation of an input. */
type Reading = Omit<GraphInput, 'layout' | 'bytes'>;

/** Further hints for interpreting an input. */
export interface InputHints {
  /** The requested kind, if its sizes are ambiguous. */
  readonly wanted?: InputKind;
  /** Whether the graph convolves in one dimension. */
  readonly signals: boolean;
}

const { DataType } = onnxProto.onnx.TensorProto;
const { FLOAT, FLOAT16, DOUBLE, BFLOAT16, UNDEFINED } = DataType;
const FLOATS: readonly number[] = [FLOAT, FLOAT16, DOUBLE, BFLOAT16, UNDEFINED];
const INTEGERS: readonly number[] = [
  ...[DataType.UINT8, DataType.INT8, DataType.UINT16, DataType.INT16],
  ...[DataType.INT32, DataType.INT64, DataType.UINT32, DataType.UINT64],
];

/** Largest batch that a file may be fixed to. */
const MAX_BATCH = 2 ** 16;

/**
 * The input of a file. [batch, numbers] is a vector, [batch, channels, length] a signal, and [batch, channels, height,
 * width] a picture if one fits. [batch, height, width] is a grey picture where it is square and the graph does not
 * convolve in one dimension. Whether the file has the channels last is seen from what reads them. Throws
 * 'model/format', or 'model/unsupported' on other inputs.
 */
export function readInput(
  value: onnxProto.onnx.IValueInfoProto,
  nodes: readonly OnnxNode[],
  { wanted, signals }: InputHints,
): GraphInput {
  const name = JSON.stringify(value.name);
  const tensor = value.type?.tensorType;
  checkType(value.name ?? '', tensor?.elemType ?? 0, nodes);
  const dims = tensor?.shape?.dim ?? [];
  if (dims.length < 2 || dims.length > 4)
    throw new SphynxError(
      'model/unsupported',
      `input ${name}: expected [batch, numbers], [batch, channels, length] or [batch, channels, height, width], got ${dims.length} dimension${dims.length === 1 ? '' : 's'}: export the model with an example that has a batch as its first axis, as x[None] has in PyTorch and NumPy`,
    );
  const batch = dims[0].dimValue == null ? 1 : Math.max(1, toInteger(dims[0].dimValue));
  const sizes = dims.slice(1).map(({ dimValue }) => (dimValue == null ? 0 : toInteger(dimValue)));
  const last = hasChannelsLast(value.name ?? '', sizes, nodes);
  for (const [i, size] of sizes.entries()) {
    const most = i === (last ? sizes.length - 1 : 0) ? MAX_CHANNELS : MAX_SIDE;
    if (size < 1 || size > most)
      throw formatError(
        `input ${name}: dimension ${i + 1} must be fixed and from 1 to ${most}: export the model for inputs of one size`,
      );
  }
  const readings = readingsOf(last ? [sizes.at(-1)!, ...sizes.slice(0, -1)] : sizes, signals);
  const reading = readings.find(({ inputKind }) => wanted === undefined || inputKind === wanted);
  if (!reading)
    throw new SphynxError(
      'model/unsupported',
      `input ${name} of ${sizes.join('x')} is no ${wanted}: it can be a ${readings.map(({ inputKind }) => inputKind).join(' or a ')}`,
    );
  const { input, inputKind } = reading;
  if (input.height > MAX_SIDE || elementsOf(input) > MAX_ELEMENTS || batch > MAX_BATCH)
    throw formatError(
      `input ${name}: more than ${MAX_ELEMENTS} elements, ${MAX_SIDE} rows or ${MAX_BATCH} inputs`,
    );
  const [batches, channels, ...map] = mapLayout(input, wholeAxis('batch', batch));
  const layout = {
    2: [batches, channels],
    3: inputKind === 'picture' ? [batches, ...map] : [batches, channels, map[1]],
    4: [batches, channels, ...map],
  }[dims.length as 2 | 3 | 4];
  return {
    input,
    inputKind,
    layout: last ? permuted(layout, lastFirst(layout.length)) : layout,
    bytes: tensor?.elemType === DataType.UINT8,
  };
}

/** Whether an input of the file holds integers. */
export function isIntegers(value: onnxProto.onnx.IValueInfoProto | undefined): boolean {
  return INTEGERS.includes(value?.type?.tensorType?.elemType ?? 0);
}

/** Operators that move numbers without changing them. */
const MOVES: ReadonlySet<string> = new Set(
  'Identity Transpose Reshape Flatten Squeeze Unsqueeze Slice Split Concat'.split(' '),
);

/** Throws 'model/unsupported' unless the input holds floats, or integers that are cast to floats before they are computed with. */
function checkType(input: string, type: number, nodes: readonly OnnxNode[]): void {
  if (FLOATS.includes(type)) return;
  const refuse = (what: string) =>
    new SphynxError(
      'model/unsupported',
      `input ${JSON.stringify(input)}: ${what}: export the model from the first layer that reads floats on`,
    );
  if (!INTEGERS.includes(type)) throw refuse('its elements are no numbers');
  const whole = new Set([input]);
  for (const node of nodes) {
    if (!node.inputs.some((name) => whole.has(name)) || node.type === 'Shape') continue;
    if (node.type === 'Cast' && FLOATS.includes(node.integer('to', 0))) continue;
    if (!MOVES.has(node.type))
      throw refuse(
        `its numbers are integers, and ${node.type} ${node.label} computes with them before a Cast to floats`,
      );
    for (const output of node.outputs) whole.add(output);
  }
}

/** Axes with the second one moved to the end. */
function lastFirst(rank: number): number[] {
  return [0, ...Array.from({ length: rank - 2 }, (_, i) => i + 2), 1];
}

/** Returns the possible interpretations of an input with these sizes, the channels first; the likeliest first. */
function readingsOf(sizes: readonly number[], signals: boolean): Reading[] {
  const [first, second = 1, third] = sizes;
  const signal = (height: number, width: number): Reading => ({
    inputKind: 'signal',
    input: { channels: first, height, width },
  });
  if (sizes.length === 1) return [{ inputKind: 'vector', input: { channels: first, height: 1, width: 1 } }];
  if (third === undefined) {
    const grey = { inputKind: 'picture' as const, input: { channels: 1, height: first, width: second } };
    return first === second && !signals ? [grey, signal(1, second)] : [signal(1, second), grey];
  }
  const input = { channels: first, height: second, width: third };
  if (second * third === 1) return [{ inputKind: 'vector', input }, signal(second, third)];
  if (!fitsPicture(first)) return [signal(second, third)];
  const picture = { inputKind: 'picture' as const, input };
  return Math.min(second, third) === 1 ? [signal(second, third), picture] : [picture, signal(second, third)];
}

/** Operators for which axis 1 is the channels of a map. */
const CHANNELS_FIRST =
  /^(Conv|ConvTranspose|BatchNormalization|PRelu|(Global)?(Max|Average)Pool|SpaceToDepth|DepthToSpace|InstanceNormalization|LRN)$/;

/** Operators that leave axes where they are. */
const POINTWISE =
  /^(Identity|Cast|Add|Sub|Mul|Div|Neg|Sum|Mean|Relu|Clip|LeakyRelu|Max|Min|Dropout|Pad|Abs|Sqrt|Pow)$/;

/** Colours of a picture, with or without transparency. */
const MOST_COLOURS = 4;

/** Whether an input of three or two sizes has its channels last: the first operator with channels that reads it says so. */
function hasChannelsLast(input: string, sizes: readonly number[], nodes: readonly OnnxNode[]): boolean {
  const rank = sizes.length + 1;
  if (rank < 3) return false;
  /** For each value that is a permutation of the input, the axis of the input of each of its axes. */
  const axes = new Map<string, readonly number[]>([[input, [...new Array(rank).keys()]]]);
  for (const node of nodes) {
    const own = node.inputs.map((name) => axes.get(name)).find((found) => found !== undefined);
    if (!own) continue;
    if (node.type === 'Transpose') {
      const order = node.integers('perm', [...own.keys()].reverse(), null);
      if (order.length === rank && order.every((axis) => own[axis] !== undefined))
        axes.set(
          node.outputs[0],
          order.map((axis) => own[axis]),
        );
    } else if (POINTWISE.test(node.type)) axes.set(node.outputs[0], own);
    else if (CHANNELS_FIRST.test(node.type)) return own[1] === rank - 1;
  }
  return rank === 4 && sizes[2] <= MOST_COLOURS && sizes[0] > MOST_COLOURS && sizes[1] >= MOST_COLOURS;
}
