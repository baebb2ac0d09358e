import type onnxProto from 'onnx-proto';
import type { OnnxNode } from './onnx-node.ts';
import { unsupported } from './refusals.ts';

/** The version from which on shapes broadcast by their last axes (onnx/docs/Changelog.md). */
const BROADCASTS = 7;

/** Throws 'model/unsupported' on sparse weights, and on inputs aligned by the rules of the oldest versions. */
export function refuseForms(
  { sparseInitializer }: onnxProto.onnx.IGraphProto,
  nodes: readonly OnnxNode[],
  opset: number,
): void {
  const sparse = new Set((sparseInitializer ?? []).map(({ values }) => values?.name ?? ''));
  for (const node of nodes) {
    const name = node.reads.find((read) => sparse.has(read));
    if (name !== undefined)
      throw unsupported(
        `${node.type} ${node.label} reads ${JSON.stringify(name)}, whose numbers are stored as a sparse tensor: export dense weights`,
      );
    if (opset < BROADCASTS && node.integer('broadcast', 0) !== 0 && node.has('axis'))
      throw unsupported(
        `${node.type} ${node.label}: it aligns its inputs at axis ${node.integer('axis', 0)}, as versions of ONNX before ${BROADCASTS} did: convert the file to version 13 or later with onnx.version_converter`,
      );
  }
}
