import onnxProto from 'onnx-proto';
import { SphynxError } from '../errors/sphynx-error.ts';
import { formatError } from './onnx-constant.ts';

/** Weights in files beside the model (onnx/docs/ExternalData.md). */

/** Reads the file of that name in the model's own folder. Throws if it is elsewhere. */
export type ReadExternal = (name: string) => Promise<Uint8Array>;

const { EXTERNAL, DEFAULT } = onnxProto.onnx.TensorProto.DataLocation;

/** Reads external weights into the graph. Throws 'model/unsupported' if they cannot be read. */
export async function inlineExternalData(
  graph: onnxProto.onnx.IGraphProto,
  read: ReadExternal | undefined,
): Promise<void> {
  const files = new Map<string, Uint8Array>();
  const tensors = [
    ...(graph.initializer ?? []),
    ...(graph.node ?? []).flatMap(({ attribute }) => (attribute ?? []).flatMap(({ t }) => (t ? [t] : []))),
  ];
  for (const tensor of tensors.filter(({ dataLocation }) => dataLocation === EXTERNAL)) {
    const entries = new Map((tensor.externalData ?? []).map(({ key, value }) => [key ?? '', value ?? '']));
    const name = JSON.stringify(tensor.name ?? '');
    const location = entries.get('location') ?? '';
    if (!read)
      throw new SphynxError(
        'model/unsupported',
        `constant ${name} lies in another file, ${JSON.stringify(location)}: save the model as one file, or import it with \`sphynx import\` from its folder`,
      );
    const bytes = files.get(location) ?? (await read(location));
    files.set(location, bytes);
    const offset = wholeNumber(entries.get('offset') ?? '0', name);
    const length = wholeNumber(entries.get('length') ?? String(Math.max(0, bytes.length - offset)), name);
    if (offset + length > bytes.length)
      throw formatError(
        `constant ${name}: bytes ${offset} to ${offset + length} of ${JSON.stringify(location)}, which has ${bytes.length}`,
      );
    tensor.rawData = bytes.subarray(offset, offset + length);
    tensor.dataLocation = DEFAULT;
    tensor.externalData = [];
  }
}

function wholeNumber(text: string, name: string): number {
  const number = Number(text);
  if (!/^\d+$/.test(text) || !Number.isSafeInteger(number))
    throw formatError(`constant ${name}: ${JSON.stringify(text)} is no place in a file`);
  return number;
}
