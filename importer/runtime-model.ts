import onnxProto from 'onnx-proto';
import { isIntegers } from './graph-input.ts';
import { elementSteps, offsetsOf, sizesOf } from './layout.ts';
import type { OnnxFile } from './onnx.ts';
import type { OnnxGraph } from './onnx-graph.ts';

/** The part of a file that was imported, as onnxruntime runs it to be compared with. */
export interface RuntimeModel {
  /** An ONNX file of one input and one output, with all of its weights. */
  encode(): Uint8Array;
  /** Sizes of one input, without the batch. */
  readonly dims: readonly number[];
  /** For each element of the input its place in the image [channels, height, width]. */
  readonly order: Int32Array;
  /** Whether weights or values have 16 bits, so that the runtime's own results are rounded. */
  readonly half: boolean;
}

const { ModelProto, TensorProto } = onnxProto.onnx;

/** Operators whose further outputs are of use in training alone. */
const TRAINED: ReadonlySet<string> = new Set(['BatchNormalization', 'Dropout']);

export function runtimeModel({ model, graph, nodes }: OnnxFile): RuntimeModel {
  const read = new Set([graph.outputName, ...nodes.flatMap((node) => node.reads)]);
  const { FLOAT16, BFLOAT16 } = TensorProto.DataType;
  const half = (type: number | null | undefined) => type === FLOAT16 || type === BFLOAT16;
  const file = model.graph!;
  const input = (file.input ?? []).filter(({ name }) => name === graph.inputName).map(withFloats);
  return {
    encode: () => {
      const part: onnxProto.onnx.IModelProto = {
        ...model,
        graph: {
          name: file.name,
          node: nodes.map((node) => ({
            ...node.proto,
            // Masks and statistics that nothing reads may turn training on; other outputs may not be left out.
            output: node.outputs.map((name) => (read.has(name) || !TRAINED.has(node.type) ? name : '')),
          })),
          initializer: (file.initializer ?? []).filter(({ name }) => read.has(name ?? '')),
          input,
          output: [{ name: graph.outputName }],
        },
      };
      return ModelProto.encode(part).finish();
    },
    ...placesOf(graph),
    half:
      half(input[0]?.type?.tensorType?.elemType) ||
      (file.initializer ?? []).some(({ dataType }) => half(dataType)),
  };
}

/** An input of integers as one of floats: what is compared is what follows the Cast to floats. */
function withFloats(value: onnxProto.onnx.IValueInfoProto): onnxProto.onnx.IValueInfoProto {
  if (!isIntegers(value)) return value;
  const tensorType = { ...value.type?.tensorType, elemType: TensorProto.DataType.FLOAT };
  return { ...value, type: { ...value.type, tensorType } };
}

function placesOf({ layout, input }: OnnxGraph): Pick<RuntimeModel, 'dims' | 'order'> {
  const own = layout.slice(1);
  return { dims: sizesOf(own), order: offsetsOf(own.flat(), elementSteps(input)) };
}
