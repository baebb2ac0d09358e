import type onnxProto from 'onnx-proto';
import { type Constant, formatError, readConstant, toInteger } from './onnx-constant.ts';

/** One operation of an ONNX graph, with typed access to its attributes. */
export class OnnxNode {
  readonly type: string;
  /** For messages: its name, or its output's where it has none. */
  readonly label: string;
  /** Names of values; an input that is left out is ''. */
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  readonly #node: onnxProto.onnx.INodeProto;
  readonly #attributes: Map<string, onnxProto.onnx.IAttributeProto>;

  /** Throws 'model/format' if the node has no type or no output. */
  constructor(node: onnxProto.onnx.INodeProto) {
    this.#node = node;
    this.type = node.domain ? `${node.domain}.${node.opType}` : (node.opType ?? '');
    this.inputs = node.input ?? [];
    this.outputs = node.output ?? [];
    this.label = JSON.stringify(node.name || this.outputs[0] || '');
    if (!this.type || !this.outputs[0]) throw formatError(`node ${this.label} has no type or no output`);
    this.#attributes = new Map((node.attribute ?? []).map((attribute) => [attribute.name ?? '', attribute]));
  }

  /** The same operation on other values. */
  rewired(input: readonly string[], output: readonly string[]): OnnxNode {
    return new OnnxNode({
      ...this.#node,
      name: JSON.parse(this.label),
      input: [...input],
      output: [...output],
    });
  }

  has(name: string): boolean {
    return this.#attributes.has(name);
  }

  integer(name: string, otherwise: number): number {
    const value = this.#attributes.get(name)?.i;
    return value == null ? otherwise : toInteger(value);
  }

  /** Integers; a list of another length than `length` is a broken file, unless that is null. */
  integers(name: string, otherwise: readonly number[], length: number | null = otherwise.length): number[] {
    if (!this.has(name)) return [...otherwise];
    const values = (this.#attributes.get(name)?.ints ?? []).map(toInteger);
    if (length !== null && values.length !== length)
      throw formatError(`node ${this.label}: ${name} has ${values.length} entries, expected ${length}`);
    return values;
  }

  float(name: string, otherwise: number): number {
    const value = this.#attributes.get(name)?.f ?? otherwise;
    if (!Number.isFinite(value)) throw formatError(`node ${this.label}: ${name} is not finite`);
    return value;
  }

  text(name: string, otherwise: string): string {
    const value = this.#attributes.get(name)?.s;
    return value?.length ? Buffer.from(value).toString('latin1') : otherwise;
  }

  /** Throws 'model/format' if the attribute holds no tensor. */
  constant(name: string): Constant {
    const tensor = this.#attributes.get(name)?.t;
    if (!tensor) throw formatError(`node ${this.label}: ${name} holds no tensor`);
    return readConstant(tensor);
  }
}
