import onnxProto from 'onnx-proto';
import { OnnxConstant } from '../onnx-constant.ts';
import { OnnxNode } from '../onnx-node.ts';

const { DataType } = onnxProto.onnx.TensorProto;

/** Writes nodes of an ONNX graph that replace one of its nodes, under that node's name. */
export class NodeWriter {
  readonly #node: OnnxNode;
  readonly #constants: Map<string, OnnxConstant>;
  readonly #nodes: OnnxNode[] = [];

  /** @param constants of the graph; those that are written are added */
  constructor(node: OnnxNode, constants: Map<string, OnnxConstant>) {
    this.#node = node;
    this.#constants = constants;
  }

  /** Adds an operator and returns the name of its result. */
  add(opType: string, input: string[], alpha?: number): string {
    const output = this.#freshName();
    const attribute = alpha === undefined ? [] : [{ name: 'alpha', f: alpha }];
    this.#nodes.push(
      new OnnxNode({ opType, name: JSON.parse(this.#node.label), input, output: [output], attribute }),
    );
    return output;
  }

  /** slope * x + offset. */
  line(x: string, slope: number, offset: number): string {
    const product = slope === 1 ? x : this.add('Mul', [x, this.#constant(slope)]);
    return offset === 0 ? product : this.add('Add', [product, this.#constant(offset)]);
  }

  /** The sum of values, one at least. */
  sum(values: readonly string[]): string {
    return values.reduce((sum, value) => this.add('Add', [sum, value]));
  }

  /** Returns all nodes; `value`, broadcast to `dims`, becomes the output of the replaced node. */
  finish(value: string, dims: readonly number[]): OnnxNode[] {
    const result = dims.length === 0 ? value : this.add('Add', [value, this.#constant(0, dims)]);
    const name = JSON.parse(this.#node.label);
    this.#nodes.push(
      new OnnxNode({ opType: 'Identity', name, input: [result], output: [this.#node.outputs[0]] }),
    );
    return this.#nodes;
  }

  #constant(value: number, dims: readonly number[] = []): string {
    const name = this.#freshName();
    const size = dims.reduce((product, dim) => product * dim, 1);
    const doubleData = new Array<number>(size).fill(value);
    this.#constants.set(
      name,
      new OnnxConstant({ name, dims: [...dims], dataType: DataType.DOUBLE, doubleData }),
    );
    return name;
  }

  /** Returns a new name; it contains a zero byte, which names in a file cannot. */
  #freshName(): string {
    return `${this.#node.outputs[0]}\0${this.#nodes.length}/${this.#constants.size}`;
  }
}
