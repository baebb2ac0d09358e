import onnxProto from 'onnx-proto';
import { SphynxError } from '../errors/sphynx-error.ts';
import type { InputKind } from '../model/input-kind.ts';
import { inlineExternalData, type ReadExternal } from './external-data.ts';
import { readInput } from './graph-input.ts';
import { inOrder, makersOf } from './graph-order.ts';
import { inlineFunctions } from './inline-functions.ts';
import { formatError, OnnxConstant, toInteger } from './onnx-constant.ts';
import { MAX_NODES, type OnnxGraph } from './onnx-graph.ts';
import { OnnxNode } from './onnx-node.ts';
import { plainForms } from './plain-forms.ts';
import { refuseForms } from './refused-forms.ts';

/** A graph of checked values, read from an ONNX file (github.com/onnx/onnx, docs/IR.md). Files may be hostile. */

export interface OnnxFile {
  readonly graph: OnnxGraph;
  /** All nodes on which the output depends, including those that compute constants. */
  readonly nodes: readonly OnnxNode[];
  /** The file with all of its weights. */
  readonly model: onnxProto.onnx.IModelProto;
  /** Notes for people about unused parts of the file. */
  readonly notes: readonly string[];
}

export interface ReadOptions {
  /** The output to use, if the file has several. */
  readonly output?: string;
  /** Reads a file beside the model; none are read without it. */
  readonly readExternal?: ReadExternal;
  /** The kind of input, if its sizes are ambiguous. */
  readonly inputKind?: InputKind;
}

/** Largest file (bytes), larger than any network that can be run privately. */
const MAX_FILE_BYTES = 2 ** 31;

const { FLOAT } = onnxProto.onnx.TensorProto.DataType;

/**
 * Throws 'model/format' on a broken file, 'model/unsupported' on one whose output depends on several inputs, or with
 * several outputs of which none was chosen.
 */
export async function readOnnx(
  bytes: Uint8Array,
  { output, readExternal, inputKind }: ReadOptions = {},
): Promise<OnnxFile> {
  if (bytes.length > MAX_FILE_BYTES) throw formatError(`a file of ${bytes.length} bytes`);
  const model = decode(bytes);
  const { graph } = model;
  if (!graph) throw formatError('the file holds no graph');
  if ((graph.node ?? []).length > MAX_NODES) throw formatError(`more than ${MAX_NODES} nodes`);
  inlineFunctions(model, MAX_NODES);
  await inlineExternalData(graph, readExternal);
  const notes: string[] = [];
  const initializers = new Map((graph.initializer ?? []).map((tensor) => [tensor.name ?? '', tensor]));
  const all = (graph.node ?? []).map((node) => new OnnxNode(node));
  const makers = makersOf(all, initializers);
  const outputName = chooseOutput(
    (graph.output ?? []).map(({ name }) => name ?? ''),
    output,
    notes,
  );
  const nodes = inOrder(all, makers, [outputName]);
  const opset = opsetOf(model.opsetImport ?? []);
  refuseForms(graph, nodes, opset);
  const read = new Set(nodes.flatMap((node) => node.reads));
  const inputs = (graph.input ?? []).filter(({ name }) => !initializers.has(name ?? ''));
  const used = inputs.filter(({ name }) => read.has(name ?? ''));
  checkDefined(
    nodes,
    outputName,
    new Set([...makers.keys(), ...initializers.keys(), ...inputs.map(({ name }) => name ?? '')]),
  );
  const unread = inputs.filter((input) => !used.includes(input)).map(({ name }) => name);
  if (unread.length > 0) notes.push(`nothing reads the input ${unread.join(', ')}: it was left out`);
  if (all.length > nodes.length)
    notes.push(
      `nothing that the output depends on reads ${all.length - nodes.length} of its nodes: they were left out`,
    );
  if (used.length !== 1) throw inputError(used, outputName);
  const constants = new Map<string, OnnxConstant>();
  for (const [name, tensor] of initializers)
    if (read.has(name)) constants.set(name, new OnnxConstant(tensor));
  for (const node of nodes)
    if (node.type === 'Constant') constants.set(node.outputs[0], node.constantTensor());
  const computing = nodes.filter(({ type }) => type !== 'Constant');
  const signals = convolvesSignals(computing, constants);
  const input = readInput(used[0], computing, { wanted: inputKind, signals });
  return {
    graph: plainForms({
      inputName: used[0].name ?? '',
      inputType: used[0].type?.tensorType?.elemType || FLOAT,
      ...input,
      outputName,
      nodes: computing,
      constants,
      opset,
    }),
    nodes,
    model,
    notes,
  };
}

/** Whether a convolution in the graph has weights [out, in, length]. */
function convolvesSignals(nodes: readonly OnnxNode[], constants: ReadonlyMap<string, OnnxConstant>): boolean {
  return nodes.some(
    ({ type, inputs }) => type === 'Conv' && constants.get(inputs[1] ?? '')?.dims.length === 3,
  );
}

/** A file that names none is one of the oldest, which had no such list. */
function opsetOf(imports: readonly onnxProto.onnx.IOperatorSetIdProto[]): number {
  const own = imports.find(({ domain }) => !domain || domain === 'ai.onnx');
  return own?.version == null ? 1 : toInteger(own.version);
}

function decode(bytes: Uint8Array): onnxProto.onnx.IModelProto {
  try {
    return onnxProto.onnx.ModelProto.decode(bytes);
  } catch (cause) {
    throw new SphynxError('model/format', 'this is not an ONNX file, or it is damaged', { cause });
  }
}

function checkDefined(nodes: readonly OnnxNode[], output: string, defined: ReadonlySet<string>): void {
  if (!defined.has(output)) throw formatError(`nothing computes the output ${JSON.stringify(output)}`);
  for (const node of nodes)
    for (const name of node.reads)
      if (!defined.has(name))
        throw formatError(`node ${node.label} reads ${JSON.stringify(name)}, which nothing defines`);
}

function chooseOutput(outputs: readonly string[], chosen: string | undefined, notes: string[]): string {
  const names = outputs.map((name) => JSON.stringify(name)).join(', ');
  if (chosen !== undefined && !outputs.includes(chosen))
    throw new SphynxError(
      'model/unsupported',
      `there is no output ${JSON.stringify(chosen)}: the file has ${names}`,
    );
  if (chosen === undefined && outputs.length > 1)
    throw new SphynxError(
      'model/unsupported',
      `the file has ${outputs.length} outputs, ${names}: choose the one that holds the logits with --output NAME`,
    );
  if (outputs.length === 0) throw formatError('the file has no output');
  const output = chosen ?? outputs[0];
  const others = outputs.filter((name) => name !== output);
  if (others.length > 0) notes.push(`the output ${output} was chosen: ${others.join(', ')} was left out`);
  return output;
}

function inputError(used: readonly onnxProto.onnx.IValueInfoProto[], output: string): SphynxError {
  if (used.length === 0)
    return formatError(`the output ${JSON.stringify(output)} depends on no input of the file`);
  const names = used.map(({ name }) => JSON.stringify(name)).join(', ');
  return new SphynxError(
    'model/unsupported',
    `the output depends on ${used.length} inputs, ${names}, and only one can be private: export the model with the others fixed`,
  );
}
