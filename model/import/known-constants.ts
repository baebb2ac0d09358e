import { SphynxError } from '../../errors/sphynx-error.ts';
import type { AffineValue } from './affine.ts';
import { foldConstants } from './fold-constants.ts';
import type { Lookup } from './node-inputs.ts';
import type { OnnxGraph } from './onnx.ts';
import { type Constant, formatError } from './onnx-constant.ts';
import type { OnnxNode } from './onnx-node.ts';

/** Elements of all constants that are computed from others. */
const MAX_COMPUTED = 2 ** 26;

/** The graph without the nodes that read constants alone: what they compute are constants of it. */
export function foldGraph(graph: OnnxGraph): OnnxGraph {
  const known = new KnownConstants(graph.constants);
  const nodes = graph.nodes.filter((node) => {
    if (node.outputs.some((name) => known.get(name)))
      throw formatError(`${node.label} computes what is a constant already`);
    try {
      return !known.fold(node, new Map());
    } catch (error) {
      // The composer will come to it and name it among the others.
      if (error instanceof SphynxError && error.code === 'model/unsupported') return true;
      throw error;
    }
  });
  return { ...graph, nodes, constants: known.all };
}

/** The constants of a graph, and those that its nodes compute from them. */
export class KnownConstants implements Lookup<Constant> {
  readonly #known: Map<string, Constant>;
  #computed = 0;

  constructor(given: ReadonlyMap<string, Constant>) {
    this.#known = new Map(given);
  }

  get(name: string): Constant | undefined {
    return this.#known.get(name);
  }

  get all(): ReadonlyMap<string, Constant> {
    return this.#known;
  }

  /** Whether the node computes a constant, which is known from now on. Throws as operators do. */
  fold(node: OnnxNode, values: Lookup<AffineValue>): boolean {
    const constant = foldConstants(node, this, values);
    if (!constant) return false;
    const shared = node.inputs.some((name) => this.get(name)?.values === constant.values);
    this.#computed += shared ? 0 : constant.values.length;
    if (this.#computed > MAX_COMPUTED)
      throw formatError(`more than ${MAX_COMPUTED} elements of constants are computed`);
    this.#known.set(node.outputs[0], constant);
    return true;
  }
}
