import onnxProto from 'onnx-proto';
import { SphynxError } from '../../errors/sphynx-error.ts';
import type { Shape } from '../card.ts';
import { MAX_CHANNELS, MAX_ELEMENTS, MAX_SIDE } from '../limits.ts';
import { type Constant, formatError, readConstant, toInteger } from './onnx-constant.ts';
import { OnnxNode } from './onnx-node.ts';

/** Reading ONNX files (github.com/onnx/onnx, docs/IR.md) into a graph of checked values. Files may be hostile. */

export interface OnnxGraph {
  readonly inputName: string;
  /** One image; the batch dimension is left out. */
  readonly input: Shape;
  readonly outputName: string;
  /** In an order in which every value is computed before it is read. */
  readonly nodes: readonly OnnxNode[];
  readonly constants: ReadonlyMap<string, Constant>;
}

/** Larger files than any network that can be run privately. */
const MAX_FILE_BYTES = 2 ** 30;
const MAX_NODES = 20_000;

/** Throws 'model/format' on a broken file, 'model/unsupported' on one with several inputs or outputs, or with external data. */
export function readOnnx(bytes: Uint8Array): OnnxGraph {
  if (bytes.length > MAX_FILE_BYTES) throw formatError(`a file of ${bytes.length} bytes`);
  const { graph } = decode(bytes);
  if (!graph) throw formatError('the file holds no graph');
  if ((graph.node ?? []).length > MAX_NODES) throw formatError(`more than ${MAX_NODES} nodes`);
  const constants = new Map<string, Constant>();
  for (const tensor of graph.initializer ?? []) define(constants, tensor.name ?? '', readConstant(tensor));
  const inputs = (graph.input ?? []).filter(({ name }) => !constants.has(name ?? ''));
  const outputs = graph.output ?? [];
  if (inputs.length !== 1 || outputs.length !== 1)
    throw new SphynxError(
      'model/unsupported',
      `expected one input and one output, got ${inputs.length} and ${outputs.length}`,
    );
  const nodes = (graph.node ?? []).map((node) => new OnnxNode(node));
  for (const node of nodes)
    if (node.type === 'Constant') define(constants, node.outputs[0], node.constant('value'));
  return {
    inputName: inputs[0].name ?? '',
    input: readInputShape(inputs[0]),
    outputName: outputs[0].name ?? '',
    nodes: nodes.filter(({ type }) => type !== 'Constant'),
    constants,
  };
}

function decode(bytes: Uint8Array): onnxProto.onnx.IModelProto {
  try {
    return onnxProto.onnx.ModelProto.decode(bytes);
  } catch (cause) {
    throw new SphynxError('model/format', 'this is not an ONNX file, or it is damaged', { cause });
  }
}

function define(constants: Map<string, Constant>, name: string, constant: Constant): void {
  if (constants.has(name)) throw formatError(`the constant ${JSON.stringify(name)} is defined twice`);
  constants.set(name, constant);
}

function readInputShape({ name, type }: onnxProto.onnx.IValueInfoProto): Shape {
  const dims = type?.tensorType?.shape?.dim ?? [];
  if (dims.length !== 4)
    throw new SphynxError(
      'model/unsupported',
      `input ${JSON.stringify(name)}: expected [batch, channels, height, width], got ${dims.length} dimensions`,
    );
  const [channels, height, width] = dims.slice(1).map(({ dimValue }, i) => {
    const most = i === 0 ? MAX_CHANNELS : MAX_SIDE;
    const size = dimValue == null ? 0 : toInteger(dimValue);
    if (size < 1 || size > most)
      throw formatError(
        `input ${JSON.stringify(name)}: dimension ${i + 1} must be fixed and from 1 to ${most}`,
      );
    return size;
  });
  if (channels * height * width > MAX_ELEMENTS)
    throw formatError(`input ${JSON.stringify(name)}: more than ${MAX_ELEMENTS} elements`);
  return { channels, height, width };
}
