import onnxProto from 'onnx-proto';
import { SphynxError } from '../../errors/sphynx-error.ts';
import type { Shape } from '../card.ts';
import { MAX_CHANNELS, MAX_ELEMENTS, MAX_SIDE } from '../limits.ts';
import { type Layout, mapLayout, permuted, wholeAxis } from './layout.ts';
import { formatError, toInteger } from './onnx-constant.ts';
import type { OnnxNode } from './onnx-node.ts';

/** What the graph reads: one image, and how the graph sees it. */
export interface GraphInput {
  readonly input: Shape;
  readonly layout: Layout;
}

const { FLOAT, FLOAT16, DOUBLE, BFLOAT16, UNDEFINED } = onnxProto.onnx.TensorProto.DataType;

/** Largest batch that a file may be fixed to. */
const MAX_BATCH = 2 ** 16;

/**
 * The input of a file, as an image [channels, height, width]. Whether the file has the channels last is seen from
 * what reads them. Throws 'model/unsupported' on other inputs than images.
 */
export function readInput(value: onnxProto.onnx.IValueInfoProto, nodes: readonly OnnxNode[]): GraphInput {
  const name = JSON.stringify(value.name);
  const tensor = value.type?.tensorType;
  if (![FLOAT, FLOAT16, DOUBLE, BFLOAT16, UNDEFINED].includes(tensor?.elemType ?? 0))
    throw new SphynxError(
      'model/unsupported',
      `input ${name}: its numbers are no floats: export the model from the first layer that reads floats on`,
    );
  const dims = tensor?.shape?.dim ?? [];
  if (dims.length !== 4)
    throw new SphynxError(
      'model/unsupported',
      `input ${name}: expected [batch, channels, height, width], got ${dims.length} dimensions`,
    );
  const batch = dims[0].dimValue == null ? 1 : Math.max(1, toInteger(dims[0].dimValue));
  const sizes = dims.slice(1).map(({ dimValue }) => (dimValue == null ? 0 : toInteger(dimValue)));
  const last = hasChannelsLast(value.name ?? '', sizes, nodes);
  const [channels, height, width] = last ? [sizes[2], sizes[0], sizes[1]] : sizes;
  for (const [i, size] of sizes.entries()) {
    const most = i === (last ? 2 : 0) ? MAX_CHANNELS : MAX_SIDE;
    if (size < 1 || size > most)
      throw formatError(`input ${name}: dimension ${i + 1} must be fixed and from 1 to ${most}`);
  }
  if (channels * height * width > MAX_ELEMENTS || batch > MAX_BATCH)
    throw formatError(`input ${name}: more than ${MAX_ELEMENTS} elements or ${MAX_BATCH} images`);
  const input = { channels, height, width };
  const layout = mapLayout(input, wholeAxis('batch', batch));
  return { input, layout: last ? permuted(layout, [0, 2, 3, 1]) : layout };
}

/** Operators that take axis 1 for the channels of a map. */
const CHANNELS_FIRST =
  /^(Conv|ConvTranspose|BatchNormalization|PRelu|(Global)?(Max|Average)Pool|SpaceToDepth|DepthToSpace|InstanceNormalization|LRN)$/;

/** Operators that leave axes where they are. */
const POINTWISE =
  /^(Identity|Cast|Add|Sub|Mul|Div|Neg|Sum|Mean|Relu|Clip|LeakyRelu|Max|Min|Dropout|Pad|Abs|Sqrt|Pow)$/;

/** Colours of a picture, with or without transparency. */
const MOST_COLOURS = 4;

/** Whether an input of the sizes [a, b, c] has its channels last: the first operator with channels that reads it says so. */
function hasChannelsLast(input: string, sizes: readonly number[], nodes: readonly OnnxNode[]): boolean {
  /** For each value that is the input in other words, which axis of the input each of its axes is. */
  const axes = new Map<string, readonly number[]>([[input, [0, 1, 2, 3]]]);
  for (const node of nodes) {
    const own = node.inputs.map((name) => axes.get(name)).find((found) => found !== undefined);
    if (!own) continue;
    if (node.type === 'Transpose') {
      const order = node.integers('perm', [3, 2, 1, 0], null);
      if (order.length === 4 && order.every((axis) => own[axis] !== undefined))
        axes.set(
          node.outputs[0],
          order.map((axis) => own[axis]),
        );
    } else if (POINTWISE.test(node.type)) axes.set(node.outputs[0], own);
    else if (CHANNELS_FIRST.test(node.type)) return own[1] === 3;
  }
  return sizes[2] <= MOST_COLOURS && sizes[0] > MOST_COLOURS;
}
