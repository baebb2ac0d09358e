import { MAX_LAYERS } from '../../model/limits.ts';
import type { OnnxGraph } from '../onnx-graph.ts';
import type { OnnxNode } from '../onnx-node.ts';
import { unsupported } from '../refusals.ts';
import { type Algebra, applied, scalarInput } from './pointwise.ts';

/**
 * A quadratic activation in an ONNX graph: any composition of pointwise operators on one value x that equals p2 x^2 +
 * p1 x + p0 + r ReLU(a x + b) with constants. This includes masks that choose between squares, ReLUs and identity.
 */
export interface Quadratic {
  /** x. */
  readonly source: string;
  /** The nodes that compute it from x, in order. */
  readonly nodes: readonly OnnxNode[];
}

export interface Quadratics {
  /** The activations, by the nodes that compute their results. */
  readonly results: ReadonlyMap<OnnxNode, Quadratic>;
  /** The other nodes of the activations, which have no other readers. */
  readonly inside: ReadonlySet<OnnxNode>;
}

/** The degree of a polynomial, and the value whose ReLU is added to it. */
interface Degree {
  readonly degree: 0 | 1 | 2;
  readonly relu: string | null;
}

const DEGREES: Algebra<Degree> = {
  constant: () => ({ degree: 0, relu: null }),
  sum: (a, b) => {
    if (a.relu && b.relu && a.relu !== b.relu) return null;
    return { degree: Math.max(a.degree, b.degree) as Degree['degree'], relu: a.relu ?? b.relu };
  },
  product: (a, b) => {
    const degree = a.degree + b.degree;
    if (degree > 2 || (a.relu && !isConstant(b)) || (b.relu && !isConstant(a))) return null;
    return { degree: degree as Degree['degree'], relu: a.relu ?? b.relu };
  },
  inverse: (a) => (isConstant(a) ? a : null),
  relu: (a, name) => (a.degree === 1 && !a.relu ? { degree: 0, relu: name } : null),
};

function isConstant({ degree, relu }: Degree): boolean {
  return degree === 0 && !relu;
}

const known = new WeakMap<OnnxGraph, Quadratics>();

/** All quadratic activations of a graph. */
export function findQuadratics(graph: OnnxGraph): Quadratics {
  let found = known.get(graph);
  if (!found) {
    found = new Search(graph).run();
    known.set(graph, found);
  }
  return found;
}

class Search {
  readonly #graph: OnnxGraph;
  readonly #makers: ReadonlyMap<string, OnnxNode>;
  readonly #readers = new Map<string, OnnxNode[]>();
  readonly #results = new Map<OnnxNode, Quadratic>();
  /** Values of which others are affine maps, up to the next activation; null for none. */
  readonly #affine = new Map<string, string | null>();
  /** The first of such values in a row; forgotten when a result is found. */
  readonly #origins = new Map<string, string>();

  constructor(graph: OnnxGraph) {
    this.#graph = graph;
    this.#makers = new Map(graph.nodes.map((node) => [node.outputs[0], node]));
    for (const node of graph.nodes)
      for (const name of node.reads) {
        const own = this.#readers.get(name);
        if (own) own.push(node);
        else this.#readers.set(name, [node]);
      }
  }

  run(): Quadratics {
    const results = this.#results;
    const inside = new Set<OnnxNode>();
    const seen = new Set<OnnxNode>();
    for (const product of this.#graph.nodes) {
      const source = seen.has(product) ? undefined : this.#sourceOf(product);
      if (source === undefined) continue;
      const found = this.#resultsOf(source);
      for (const node of found.forms.keys()) seen.add(node);
      for (const result of found.results) {
        const nodes = this.#nodesOf(result, found.forms);
        results.set(result, { source, nodes });
        this.#origins.clear();
        if (results.size > MAX_LAYERS)
          throw unsupported(`it has more than ${MAX_LAYERS} quadratic activations, each of them a layer`);
        for (const node of nodes) if (node !== result) inside.add(node);
      }
    }
    // A value with another reader must be computed, and so must everything on which it depends.
    for (let changed = true; changed; ) {
      changed = false;
      for (const node of inside) {
        const readers = this.#readers.get(node.outputs[0]) ?? [];
        const free = !this.#isOutput(node) && readers.every((own) => inside.has(own) || results.has(own));
        if (free && !results.has(node)) continue;
        inside.delete(node);
        changed = true;
      }
    }
    return { results, inside };
  }

  #isOutput(node: OnnxNode): boolean {
    return node.outputs.includes(this.#graph.outputName);
  }

  #isConstant(name: string): boolean {
    return this.#graph.constants.has(name);
  }

  /** Returns the value that a node squares, followed back through pointwise affine maps; undefined for other nodes. */
  #sourceOf(node: OnnxNode): string | undefined {
    const squared = node.type === 'Pow' && scalarInput(node, 1, this.#graph.constants) === 2;
    const factors = squared ? [node.inputs[0], node.inputs[0]] : node.type === 'Mul' ? node.inputs : [];
    if (factors.length !== 2 || factors.some((name) => this.#isConstant(name))) return undefined;
    const [origin, other] = factors.map((name) => this.#originOf(name));
    return origin === other ? origin : undefined;
  }

  /** Follows a value to the one of which it is an affine map, and so on, back to the last activation. */
  #originOf(name: string): string {
    const way = [name];
    for (;;) {
      const last = way[way.length - 1];
      const maker = this.#makers.get(last);
      const next = maker && !this.#results.has(maker) ? this.#affineOf(last, maker) : null;
      const origin = this.#origins.get(last) ?? (next === null ? last : undefined);
      if (origin !== undefined) {
        for (const passed of way) this.#origins.set(passed, origin);
        return origin;
      }
      way.push(next!);
    }
  }

  /** Returns the value of which a node's output is an affine map. */
  #affineOf(name: string, maker: OnnxNode): string | null {
    const known = this.#affine.get(name);
    if (known !== undefined) return known;
    const [computed, ...others] = maker.inputs.filter((input) => !this.#isConstant(input));
    const form =
      AFFINE.has(maker.type) && computed !== undefined && others.length === 0
        ? this.#apply(maker, new Map([[computed, { degree: 1, relu: null }]]))
        : null;
    const source = form?.degree === 1 ? computed : null;
    this.#affine.set(name, source);
    return source;
  }

  /** Returns the form of a node's output; null if an input has no form. */
  #apply(node: OnnxNode, forms: ReadonlyMap<string, Degree>): Degree | null {
    if (node.outputs.length !== 1 || !node.inputs.some((name) => forms.has(name))) return null;
    const inputs = node.inputs.map((name) => forms.get(name) ?? this.#constantForm(name));
    if (!inputs.every((form) => form !== null)) return null;
    return applied(node, inputs, DEGREES, this.#graph.constants);
  }

  #constantForm(name: string): Degree | null {
    return this.#isConstant(name) ? { degree: 0, relu: null } : null;
  }

  /** The activations of `source`: quadratics that are read by what is no longer one. What follows them is ordinary. */
  #resultsOf(source: string): { results: OnnxNode[]; forms: Map<OnnxNode, Degree> } {
    const results: OnnxNode[] = [];
    for (;;) {
      const forms = new Map<OnnxNode, Degree>();
      const values = new Map<string, Degree>([[source, { degree: 1, relu: null }]]);
      for (const node of this.#graph.nodes) {
        const form = this.#apply(node, values);
        if (!form) continue;
        forms.set(node, form);
        if (!results.includes(node)) values.set(node.outputs[0], form);
      }
      const next = [...forms].find(
        ([node, { degree }]) =>
          degree === 2 &&
          !results.includes(node) &&
          (this.#isOutput(node) || this.#readers.get(node.outputs[0])?.some((own) => !forms.has(own))),
      );
      if (!next) return { results, forms };
      results.push(next[0]);
    }
  }

  /** All nodes that have a form and that `result` is computed from, itself last. */
  #nodesOf(result: OnnxNode, forms: ReadonlyMap<OnnxNode, Degree>): OnnxNode[] {
    const needed = new Set([result]);
    for (const node of needed)
      for (const name of node.inputs) {
        const maker = this.#makers.get(name);
        if (maker && forms.has(maker)) needed.add(maker);
      }
    return this.#graph.nodes.filter((node) => needed.has(node));
  }
}

/** Operators that may be affine maps of one value. */
const AFFINE: ReadonlySet<string> = new Set(['Identity', 'Add', 'Sum', 'Sub', 'Neg', 'Mul', 'Div', 'Pow']);
