import onnxProto from 'onnx-proto';
import { formatError, nearestInteger, OnnxConstant } from './onnx-constant.ts';

/** One operation of an ONNX graph, with typed access to its attributes. */
export class OnnxNode {
  readonly type: string;
  /** Name for messages: its own or, without one, its output's. */
  readonly label: string;
  /** Names of values; an input that is left out is ''. */
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  /** Names of all values that it reads, including those that its subgraphs capture. */
  readonly reads: readonly string[];
  readonly #node: onnxProto.onnx.INodeProto;
  readonly #attributes: Map<string, onnxProto.onnx.IAttributeProto>;

  /** Throws 'model/format' if the node has no type or no output. */
  constructor(node: onnxProto.onnx.INodeProto) {
    this.#node = node;
    const standard = !node.domain || node.domain === 'ai.onnx';
    this.type = standard ? (node.opType ?? '') : `${node.domain}.${node.opType}`;
    this.inputs = node.input ?? [];
    this.outputs = node.output ?? [];
    this.label = JSON.stringify(node.name || this.outputs[0] || '');
    if (!this.type || !this.outputs[0]) throw formatError(`node ${this.label} has no type or no output`);
    this.reads = [...new Set([...this.inputs.filter((name) => name !== ''), ...captured(node)])];
    this.#attributes = new Map((node.attribute ?? []).map((attribute) => [attribute.name ?? '', attribute]));
  }

  /** Returns the same operation on other values. */
  rewired(input: readonly string[], output: readonly string[]): OnnxNode {
    return new OnnxNode({
      ...this.#node,
      name: JSON.parse(this.label),
      input: [...input],
      output: [...output],
    });
  }

  /** Returns the graph in an attribute, with its own nodes and constants. */
  subgraph(name: string): onnxProto.onnx.IGraphProto | null {
    return this.#attributes.get(name)?.g ?? null;
  }

  /** The tensor in the attribute `value`. */
  get filler(): onnxProto.onnx.ITensorProto | null {
    return this.#attributes.get('value')?.t ?? null;
  }

  /** The same operation with another list of integers as an attribute, and explicit pads. */
  withIntegers(name: string, ints: readonly number[]): OnnxNode {
    const { INTS } = onnxProto.onnx.AttributeProto.AttributeType;
    const rest = (this.#node.attribute ?? []).filter((own) => own.name !== name && own.name !== 'auto_pad');
    return new OnnxNode({ ...this.#node, attribute: [...rest, { name, type: INTS, ints: [...ints] }] });
  }

  has(name: string): boolean {
    return this.#attributes.has(name);
  }

  /** Returns an integer, at most 2^53 - 1 in size: exporters write the largest for an end beyond every axis. */
  integer(name: string, otherwise: number): number {
    const value = this.#attributes.get(name)?.i;
    return value == null ? otherwise : nearestInteger(value);
  }

  /** Returns integers, as `integer` does. If `length` is not null, a list of another length is a broken file. */
  integers(name: string, otherwise: readonly number[], length: number | null = otherwise.length): number[] {
    if (!this.has(name)) return [...otherwise];
    const values = (this.#attributes.get(name)?.ints ?? []).map(nearestInteger);
    if (length !== null && values.length !== length)
      throw formatError(`node ${this.label}: ${name} has ${values.length} entries, expected ${length}`);
    return values;
  }

  float(name: string, otherwise: number): number {
    const value = this.limit(name, otherwise);
    if (!Number.isFinite(value)) throw formatError(`node ${this.label}: ${name} is not finite`);
    return value;
  }

  /** Returns a float that may be infinite, such as a bound. */
  limit(name: string, otherwise: number): number {
    const value = this.#attributes.get(name)?.f ?? otherwise;
    if (Number.isNaN(value)) throw formatError(`node ${this.label}: ${name} is not a number`);
    return value;
  }

  text(name: string, otherwise: string): string {
    const value = this.#attributes.get(name)?.s;
    return value?.length ? Buffer.from(value).toString('latin1') : otherwise;
  }

  /** The node as in the file. */
  get proto(): onnxProto.onnx.INodeProto {
    return this.#node;
  }

  /** Returns the value of a Constant node, in any of its forms. Throws 'model/format' if it has no value. */
  constantTensor(): OnnxConstant {
    const attribute = (name: string) => this.#attributes.get(name);
    if (this.filler) return new OnnxConstant(this.filler);
    const { FLOAT, INT64, STRING } = onnxProto.onnx.TensorProto.DataType;
    const list = <T>(values: readonly T[]) => ({ dims: [values.length] });
    const floats = attribute('value_floats')?.floats;
    const integers = attribute('value_ints')?.ints;
    const strings = attribute('value_strings')?.strings;
    if (this.has('value_float'))
      return new OnnxConstant({ dims: [], dataType: FLOAT, floatData: [attribute('value_float')?.f ?? 0] });
    if (this.has('value_int'))
      return new OnnxConstant({ dims: [], dataType: INT64, int64Data: [attribute('value_int')?.i ?? 0] });
    if (floats && this.has('value_floats'))
      return new OnnxConstant({ ...list(floats), dataType: FLOAT, floatData: floats });
    if (integers && this.has('value_ints'))
      return new OnnxConstant({ ...list(integers), dataType: INT64, int64Data: integers });
    if (this.has('value_string') || strings)
      return new OnnxConstant({ ...list(strings ?? []), dataType: STRING, stringData: strings ?? [] });
    throw formatError(`node ${this.label} holds no value`);
  }
}

/** Returns the outer values that a node's subgraphs read. */
function captured(node: onnxProto.onnx.INodeProto): string[] {
  const graphs = (node.attribute ?? []).flatMap(({ g, graphs }) => [...(g ? [g] : []), ...(graphs ?? [])]);
  return graphs.flatMap((graph) => {
    const own = new Set([
      ...(graph.input ?? []).map(({ name }) => name ?? ''),
      ...(graph.initializer ?? []).map(({ name }) => name ?? ''),
      ...(graph.node ?? []).flatMap(({ output }) => output ?? []),
    ]);
    const read = (graph.node ?? []).flatMap((inner) => [...(inner.input ?? []), ...captured(inner)]);
    return [...read, ...(graph.output ?? []).map(({ name }) => name ?? '')].filter(
      (name) => name !== '' && !own.has(name),
    );
  });
}
