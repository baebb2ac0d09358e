import { SphynxError } from '../errors/sphynx-error.ts';
import { elementsOf } from '../model/geometry.ts';
import { MAX_ELEMENTS, MAX_LAYERS, MAX_TERMS } from '../model/limits.ts';
import { type AffineValue, isTensor, tensorValue } from './affine.ts';
import { findGates } from './find-gates.ts';
import { type Layout, sizesOf } from './layout.ts';
import { findMaskedRelus, type MaskedRelu, maskFlags } from './masked-relu.ts';
import { mergeLayers } from './merge-layers.ts';
import { inputsOf, type Lookup, type Operator } from './node-inputs.ts';
import { formatError, integerScalar, integerVector, type OnnxConstant } from './onnx-constant.ts';
import type { OnnxGraph } from './onnx-graph.ts';
import type { OnnxNode } from './onnx-node.ts';
import { LINEAR, NONLINEAR, POINTWISE, refusal } from './operators.ts';
import { neededLayers, type PendingLayer } from './pending-layer.ts';
import { PendingLayers } from './pending-layers.ts';
import { findQuadratics, type Quadratics } from './quadratics/find-quadratics.ts';
import { endQuadratic } from './quadratics/quadratic-layer.ts';
import { InexactError } from './refusals.ts';
import { MOST_APART, vectorised } from './relayout.ts';
import type { Segments } from './rewrites/segments.ts';
import { operatorsOf, type Trace } from './trace.ts';

/** One way to run a graph: its layers, and the cuts of linear segments, necessary or requested. */
export interface Composition {
  /** The last one gives the logits. */
  readonly layers: readonly PendingLayer[];
  /** Values that became layers of linear elements, with the reason. */
  readonly cuts: ReadonlyMap<string, string>;
  /** Values that are not tensors. */
  readonly composed: readonly string[];
  /** The layouts of the values. */
  readonly layouts: ReadonlyMap<string, Layout>;
  /** Nodes that cannot be run; if there are any, there are no layers. */
  readonly problems: readonly string[];
}

/**
 * Composes a graph, cutting the values `cuts` and the inputs with which an operator does not compose. Throws
 * 'model/format' on a broken graph.
 */
export function compose(graph: OnnxGraph, cuts: ReadonlySet<string>): Composition {
  return new Composer(graph, cuts).run();
}

/** Returns the results of a graph's Shape and Size nodes, as far as they can be computed; other nodes may fail. */
export function knownSizes(graph: OnnxGraph): ReadonlyMap<string, OnnxConstant> {
  return new Composer(graph, new Set()).sizes();
}

class Composer {
  readonly #graph: OnnxGraph;
  readonly #wanted: ReadonlySet<string>;
  readonly #masked: ReadonlyMap<OnnxNode, MaskedRelu>;
  readonly #quadratics: Quadratics;
  readonly #constants: Map<string, OnnxConstant>;
  readonly #values = new Map<string, AffineValue>();
  /** Cut values, and pointwise maps of them, without the cut: their activations need not wait for it. */
  readonly #uncut = new Map<string, AffineValue>();
  readonly #early: Lookup<AffineValue>;
  readonly #traces = new Map<string, Trace>();
  readonly #sizes = new Map<string, OnnxConstant>();
  readonly #layers = new PendingLayers();
  readonly #cuts = new Map<string, string>();
  readonly #problems: string[] = [];
  readonly #broken = new Set<string>();
  readonly #gates: ReadonlyMap<OnnxNode, string>;

  constructor(graph: OnnxGraph, cuts: ReadonlySet<string>) {
    this.#graph = graph;
    this.#wanted = cuts;
    this.#masked = findMaskedRelus(graph);
    this.#quadratics = findQuadratics(graph);
    this.#gates = findGates(graph);
    this.#constants = new Map(graph.constants);
    this.#values.set(graph.inputName, tensorValue(0, graph.input, graph.layout));
    this.#early = { get: (name) => this.#uncut.get(name) ?? this.#values.get(name) };
  }

  run(): Composition {
    const { nodes, outputName } = this.#graph;
    for (const node of nodes) this.#visit(node);
    const failed = { layers: [], cuts: this.#cuts, composed: [], layouts: new Map() };
    if (this.#problems.length > 0) return { ...failed, problems: this.#problems };
    const logits = {
      name: 'logits',
      value: this.#vectorOf(outputName),
      linear: null,
      square: null,
      cuts: [],
      operators: this.#operatorsOf([outputName]),
    };
    const needed = neededLayers([...this.#layers.found, logits]);
    if (needed.length > MAX_LAYERS) {
      const problem = `it has ${needed.length} layers, more than ${MAX_LAYERS}`;
      return { ...failed, problems: [problem] };
    }
    const layers = mergeLayers(needed);
    const composed = [...this.#values.keys()].filter((name) => this.#isComposed(name));
    const layouts = new Map([...this.#values].map(([name, { layout }]) => [name, layout]));
    return { layers, cuts: this.#cuts, composed, layouts, problems: [] };
  }

  /** Returns the output with its elements as channels in the graph's order, or unchanged if the map is too large. */
  #vectorOf(name: string): AffineValue {
    const value = this.#values.get(name);
    if (!value) throw formatError(`nothing computes the output ${JSON.stringify(name)} from the input`);
    try {
      return vectorised(value);
    } catch (error) {
      if (!(error instanceof InexactError)) throw error;
      if (elementsOf(value.shape) > MOST_APART) return value;
      this.#cut(name, `for the output: ${error.message}`);
      return vectorised(this.#values.get(name)!);
    }
  }

  sizes(): ReadonlyMap<string, OnnxConstant> {
    for (const node of this.#graph.nodes) this.#visit(node);
    return this.#sizes;
  }

  #visit(node: OnnxNode): void {
    const { results, inside } = this.#quadratics;
    const masked = this.#masked.has(node) && node.type !== 'Relu';
    if (!results.has(node) && (inside.has(node) || masked)) {
      // Another node represents the whole activation: the last of a quadratic, the Relu of a masked one.
      if (node.inputs.some((name) => this.#broken.has(name))) this.#break(node);
      return;
    }
    try {
      const failures = node.outputs.flatMap((name) => this.#graph.failures?.get(name) ?? []);
      if (failures.length > 0) {
        const reason = failures.find((text) => text !== '');
        if (reason) throw new SphynxError('model/unsupported', reason);
        this.#break(node);
        return;
      }
      if (node.type === 'Shape' || node.type === 'Size') this.#measure(node);
      else if (!LINEAR.has(node.type) && !NONLINEAR.has(node.type)) throw refusal(node);
      else if (node.inputs.some((name) => this.#broken.has(name))) {
        const reason = this.#gates.get(node);
        if (reason) throw new SphynxError('model/unsupported', reason);
        this.#break(node);
      } else this.#evaluate(node);
    } catch (error) {
      if (!(error instanceof SphynxError && error.code === 'model/unsupported')) throw error;
      const shapes = node.inputs.map((name) => this.#values.get(name)).filter((value) => value !== undefined);
      const sizes = [...new Set(shapes.map((value) => sizesOf(value.layout).join('x')))];
      const of = sizes.map((size) => ` of ${size}`).join(' and');
      this.#problems.push(`${node.type} ${node.label}${of}: ${error.message}`);
      this.#break(node);
    }
  }

  #set(name: string, value: AffineValue): void {
    if (elementsOf(value.shape) > MAX_ELEMENTS)
      throw new SphynxError(
        'model/unsupported',
        `it gives ${elementsOf(value.shape)} elements, more than ${MAX_ELEMENTS}`,
      );
    this.#values.set(name, value);
  }

  /** Marks everything that depends on a node that cannot be run. */
  #break(node: OnnxNode): void {
    for (const name of node.outputs) this.#broken.add(name);
  }

  #evaluate(node: OnnxNode): void {
    const before = this.#layers.found.length;
    try {
      this.#apply(node, this.#early);
    } catch (error) {
      if (!(error instanceof InexactError)) throw error;
      this.#layers.found.length = before;
      const composed = this.#readsOf(node).filter((name) => this.#isComposed(name));
      if (composed.length === 0) throw error;
      for (const name of composed) this.#cut(name, `before ${node.type} ${node.label}: ${error.message}`);
      this.#apply(node, this.#values);
    }
    for (const name of node.outputs) if (this.#wanted.has(name)) this.#cut(name, 'here, as it is cheapest');
  }

  /** Applies a node. `source`: the values in which an activation finds its input. */
  #apply(node: OnnxNode, source: Lookup<AffineValue>): void {
    const nonlinear = NONLINEAR.get(node.type);
    const mask = this.#masked.get(node);
    const segments = this.#layers.endedBy(node.label.slice(1, -1), () =>
      this.#operatorsOf(this.#readsOf(node)),
    );
    const quadratic = this.#quadratics.results.get(node);
    if (quadratic) {
      const value = source.get(quadratic.source);
      if (!value) throw formatError(`nothing computes ${JSON.stringify(quadratic.source)} from the input`);
      this.#set(node.outputs[0], endQuadratic(quadratic, value, this.#constants, segments));
      return;
    }
    if (nonlinear) {
      const inputs = inputsOf(node, source, this.#constants);
      const end = () => segments.end(inputs.value(0), maskFlags(mask!, inputs.value(0)));
      this.#set(mask?.output ?? node.outputs[0], mask ? end() : nonlinear(inputs, segments));
      return;
    }
    const operator = LINEAR.get(node.type)!;
    const results = [operator(inputsOf(node, this.#values, this.#constants), segments)].flat();
    if (results.some(({ terms }) => terms.length > MAX_TERMS))
      throw new InexactError(`its layer would read more than ${MAX_TERMS} tensors: put a Relu between`);
    const from = node.inputs.map((name) => this.#traces.get(name)).filter((trace) => trace !== undefined);
    for (const [i, name] of node.outputs.entries()) {
      // Masks and statistics, which are only used in training.
      if (!name || !results[i]) continue;
      this.#set(name, results[i]);
      this.#traces.set(name, { operator: `${node.type} ${node.label}`, from });
    }
    this.#applyUncut(node, operator, segments);
  }

  /** Applies a pointwise operator to the value without the cut too, where that is exact. */
  #applyUncut(node: OnnxNode, operator: Operator, segments: Segments): void {
    const read = node.inputs.filter((name) => this.#values.has(name));
    if (!POINTWISE.has(node.type) || read.length !== 1 || !this.#uncut.has(read[0])) return;
    try {
      const [result] = [operator(inputsOf(node, this.#early, this.#constants), segments)].flat();
      this.#uncut.set(node.outputs[0], result);
    } catch (error) {
      // Its input must be cut to be repeated to a larger shape.
      if (!(error instanceof InexactError)) throw error;
    }
  }

  /** Returns the values from which a node, or the activation that it ends, is computed. */
  #readsOf(node: OnnxNode): readonly string[] {
    const quadratic = this.#quadratics.results.get(node);
    return quadratic ? [quadratic.source] : node.inputs;
  }

  /** Computes the sizes of a value as a constant. */
  #measure(node: OnnxNode): void {
    const value = this.#values.get(node.inputs[0]);
    if (!value) {
      this.#break(node);
      return;
    }
    const sizes = sizesOf(value.layout);
    const [first, last] = [node.integer('start', 0), node.integer('end', sizes.length)];
    const constant =
      node.type === 'Shape'
        ? integerVector(sizes.slice(first, last))
        : integerScalar(sizes.reduce((product, size) => product * size, 1));
    this.#constants.set(node.outputs[0], constant);
    this.#sizes.set(node.outputs[0], constant);
  }

  /** Whether a value could be cut. */
  #isComposed(name: string): boolean {
    const value = this.#values.get(name);
    return value !== undefined && !isTensor(value);
  }

  /** Turns a value into a layer of linear elements, unless it is already a tensor. */
  #cut(name: string, reason: string): void {
    if (!this.#isComposed(name)) return;
    const value = this.#values.get(name)!;
    const segments = this.#layers.endedBy(name, () => this.#operatorsOf([name]), [{ value: name, reason }]);
    this.#uncut.set(name, value);
    this.#values.set(name, segments.end(value, new Uint8Array(elementsOf(value.shape)).fill(1)));
    this.#traces.delete(name);
    this.#cuts.set(name, reason);
  }

  #operatorsOf(names: readonly string[]): string[] {
    return operatorsOf(names.map((name) => this.#traces.get(name)).filter((trace) => trace !== undefined));
  }
}
