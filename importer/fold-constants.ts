import type onnxProto from 'onnx-proto';
import { SphynxError } from '../errors/sphynx-error.ts';
import { chooseBranches } from './choose-branches.ts';
import { evaluateConstants } from './constant-evaluator.ts';
import { maskedChoices } from './masked-choices.ts';
import type { OnnxConstant } from './onnx-constant.ts';
import type { OnnxGraph } from './onnx-graph.ts';
import type { OnnxNode } from './onnx-node.ts';
import { plainForms } from './plain-forms.ts';
import { renamedNode } from './rename-values.ts';

/**
 * Computes the nodes that do not depend on the image while the file is read, by onnxruntime: exporters write the sizes
 * for a Reshape or Pad as chains of Shape, Gather, Concat and arithmetic, and weights as operators that decompress
 * them.
 */

/** Versions of the format that the bundled runtime knows; what they change is how files are written, not what nodes compute. */
const IR_VERSION = 8;

/**
 * Replaces nodes that read only constants by their results, and choices that only constants make.
 *
 * @param sizes of the values that depend on the image, as far as they are known for a graph: what its Shape nodes give
 */
export async function foldGraph(
  graph: OnnxGraph,
  opsets: onnxProto.onnx.IModelProto['opsetImport'],
  sizes: (graph: OnnxGraph) => ReadonlyMap<string, OnnxConstant>,
): Promise<OnnxGraph> {
  for (let folded = graph; ; ) {
    folded = maskedChoices(await foldKnown(folded, opsets));
    const chosen = chooseBranches(folded);
    if (chosen !== folded) {
      folded = plainForms(chosen);
      continue;
    }
    if (!folded.nodes.some(({ type }) => type === 'Shape' || type === 'Size')) return folded;
    const found = [...sizes(folded)].filter(([name]) => !folded.constants.has(name));
    if (found.length === 0) return folded;
    const constants = new Map([...folded.constants, ...found]);
    folded = {
      ...folded,
      constants,
      nodes: folded.nodes.filter(({ outputs }) => !constants.has(outputs[0])),
    };
  }
}

/** Operators that give other numbers each time. */
const RANDOM: ReadonlySet<string> = new Set(
  'RandomNormal RandomNormalLike RandomUniform RandomUniformLike Bernoulli Multinomial'.split(' '),
);

async function foldKnown(
  graph: OnnxGraph,
  opsets: onnxProto.onnx.IModelProto['opsetImport'],
): Promise<OnnxGraph> {
  const known = new Map(graph.constants);
  const failures = new Map(graph.failures);
  const computed = new Set<string>();
  const folding: OnnxNode[] = [];
  const rest: OnnxNode[] = [];
  for (const node of graph.nodes) {
    const constant =
      !RANDOM.has(node.type) && node.reads.every((name) => known.has(name) || computed.has(name));
    if (!constant || node.outputs.some((name) => failures.has(name))) rest.push(node);
    else if (node.type === 'Identity' && known.has(node.inputs[0]))
      known.set(node.outputs[0], known.get(node.inputs[0])!);
    else {
      folding.push(node);
      for (const name of node.outputs) if (name) computed.add(name);
    }
  }
  if (folding.length === 0) return { ...graph, constants: known, nodes: rest };
  const read = new Set([graph.outputName, ...rest.flatMap((node) => node.reads)]);
  const outputs = [...computed].filter((name) => read.has(name));
  try {
    const values = await evaluateConstants(modelOf(folding, known, outputs, opsets));
    for (const name of outputs) known.set(name, values.get(plainName(name))!);
  } catch (error) {
    if (!(error instanceof SphynxError)) throw error;
    for (const name of computed) failures.set(name, outputs.includes(name) ? error.message : '');
    return {
      ...graph,
      constants: known,
      failures,
      nodes: graph.nodes.filter((node) => !known.has(node.outputs[0])),
    };
  }
  return { ...graph, constants: known, nodes: rest };
}

function modelOf(
  nodes: readonly OnnxNode[],
  known: ReadonlyMap<string, OnnxConstant>,
  outputs: readonly string[],
  opsets: onnxProto.onnx.IModelProto['opsetImport'],
): onnxProto.onnx.IModelProto {
  const read = new Set(nodes.flatMap((node) => node.reads));
  const initializer = [...read].flatMap((name) => {
    const constant = known.get(name);
    return constant ? [{ ...constant.tensor, name: plainName(name) }] : [];
  });
  return {
    irVersion: IR_VERSION,
    opsetImport: opsets,
    graph: {
      name: 'constants',
      // The runtime takes nodes without names, but not two of one name, as those of a branch may have.
      node: nodes.map((node) => ({ ...renamedNode(node.proto, plainName), name: '' })),
      initializer,
      output: outputs.map((name) => ({ name: plainName(name) })),
    },
  };
}

/** A name that the runtime gives back as it is: zero bytes would end it. */
function plainName(name: string): string {
  return name.replaceAll('\0', '\u0001');
}
