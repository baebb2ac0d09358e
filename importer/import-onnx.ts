import { SphynxError } from '../errors/sphynx-error.ts';
import type { FloatNetwork } from '../model/float-network.ts';
import type { InputKind } from '../model/input-kind.ts';
import type { Shape } from '../model/shape.ts';
import { choices } from './choices.ts';
import { chooseCuts } from './choose-cuts.ts';
import { type Composition, knownSizes } from './compose.ts';
import { edgePads } from './edge-pads.ts';
import { type GraphHead, headOf, type LogitsGraph, logitsNodes, withoutHead } from './final-head.ts';
import { finishLayers } from './finish-layers.ts';
import { foldGraph } from './fold-constants.ts';
import { imageSizes } from './layout.ts';
import { mergeReductions } from './merge-reductions.ts';
import type { OnnxGraph } from './onnx-graph.ts';
import type { OnnxNode } from './onnx-node.ts';
import { padPools } from './pad-pools.ts';
import type { PendingLayer } from './pending-layer.ts';
import { piecewiseParabolas } from './piecewise/find-parabolas.ts';
import { piecewiseLines } from './piecewise/find-piecewise.ts';
import { poolFirst } from './pool-first.ts';
import { type OnnxFile, type ReadOptions, readOnnx } from './read-onnx.ts';
import { type RuntimeModel, runtimeModel } from './runtime-model.ts';

/** An imported network, with facts about the graph from which it was read. */
export interface ImportedGraph {
  readonly network: FloatNetwork;
  /** For each layer, the linear operators that it computes and its cut values. */
  readonly origins: readonly Pick<PendingLayer, 'operators' | 'cuts'>[];
  /** How many nodes the graph has of each type. */
  readonly nodes: Readonly<Record<string, number>>;
  /** Meaning of the outputs, which is left to the client. */
  readonly head: GraphHead;
  readonly inputKind: InputKind;
  /** Whether the file takes bytes, which for a picture are pixels from 0 to 255. */
  readonly bytes: boolean;
  /** Notes for people about unused parts of the file. */
  readonly notes: readonly string[];
  /** The model for comparing the network with the runtime. */
  readonly runtime: RuntimeModel;
}

/**
 * Imports the network in an ONNX file and composes the linear operators between two layers of gadgets into one. Throws
 * 'model/format' on a broken file and 'model/unsupported' with all nodes that cannot be run.
 */
export async function importOnnx(bytes: Uint8Array, options?: ReadOptions): Promise<FloatNetwork> {
  return (await importGraph(bytes, options)).network;
}

/** The same, with facts for a report. */
export async function importGraph(bytes: Uint8Array, options?: ReadOptions): Promise<ImportedGraph> {
  try {
    return await imported(bytes, options);
  } catch (cause) {
    if (cause instanceof SphynxError) throw cause;
    // Files are not trusted: any failure is reported as a problem of the file.
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new SphynxError(
      'model/unsupported',
      `the importer failed on this file (${reason}): export it in another way, and please report it`,
      { cause },
    );
  }
}

async function imported(bytes: Uint8Array, options?: ReadOptions): Promise<ImportedGraph> {
  const read = await readOnnx(bytes, options);
  const { model, notes } = read;
  const logits = withoutHead(read.graph);
  const whole = await foldGraph(logits.graph, model.opsetImport, knownSizes);
  const graph = poolFirst(
    edgePads(padPools(mergeReductions(piecewiseParabolas(piecewiseLines(choices(whole)))))),
  );
  const { layers: best, layouts } = composed(graph);
  const layers = [...best];
  const origins = layers.map(({ operators, cuts }) => ({ operators, cuts }));
  const nodes: Record<string, number> = {};
  for (const { type } of read.nodes) if (type !== 'Constant') nodes[type] = (nodes[type] ?? 0) + 1;
  return {
    network: { input: graph.input, layers: finished(layers, graph.input) },
    origins,
    nodes,
    head: headOf(logits, (name) => imageSizes(layouts.get(name) ?? [])),
    inputKind: graph.inputKind,
    bytes: graph.bytes,
    notes,
    runtime: runtimeModel({ ...read, graph: logits.graph, nodes: neededFor(read, logits) }),
  };
}

/** All nodes of the file that the logits depend on. */
function neededFor({ nodes, model }: OnnxFile, { graph, replaced }: LogitsGraph): OnnxNode[] {
  const given = new Set((model.graph?.initializer ?? []).map(({ name }) => name ?? ''));
  return logitsNodes(nodes, given, replaced, graph.outputName);
}

/** The cheapest way to run a graph. Throws 'model/unsupported' with all nodes that cannot be run. */
function composed(graph: OnnxGraph): Composition {
  const composition = chooseCuts(graph);
  const { problems } = composition;
  if (problems.length > 0)
    throw new SphynxError(
      'model/unsupported',
      `this network cannot be run privately:\n${problems.join('\n')}`,
    );
  return composition;
}

/** Kernels are computed recursively from their parts. */
function finished(layers: PendingLayer[], input: Shape): FloatNetwork['layers'] {
  try {
    return finishLayers(layers, input);
  } catch (cause) {
    if (!(cause instanceof RangeError)) throw cause;
    throw new SphynxError('model/unsupported', 'too many linear operators follow one another', { cause });
  }
}
