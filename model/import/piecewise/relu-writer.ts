import onnxProto from 'onnx-proto';
import { OnnxConstant } from '../onnx-constant.ts';
import { OnnxNode } from '../onnx-node.ts';
import { type PiecewiseLine, valueAt } from './piecewise-line.ts';

const { DataType } = onnxProto.onnx.TensorProto;

/** Writes a continuous piecewise line as nodes of an ONNX graph, in place of a node. */
export class ReluWriter {
  readonly #node: OnnxNode;
  readonly #constants: Map<string, OnnxConstant>;
  readonly #nodes: OnnxNode[] = [];

  /** @param constants of the graph; those that are written are added */
  constructor(node: OnnxNode, constants: Map<string, OnnxConstant>) {
    this.#node = node;
    this.#constants = constants;
  }

  /** Nodes that give f of the value x under the name of the node's output, broadcast to the shapes. */
  write(x: string, f: PiecewiseLine, shapes: readonly (readonly number[])[]): OnnxNode[] {
    const spread = shapes.map((dims) => this.#constant(0, dims));
    const result = [this.#sum(x, f), ...spread].reduce((sum, zeros) => this.#add('Add', [sum, zeros]));
    this.#nodes.push(
      new OnnxNode({
        opType: 'Identity',
        name: JSON.parse(this.#node.label),
        input: [result],
        output: [this.#node.outputs[0]],
      }),
    );
    return this.#nodes;
  }

  /**
   * A piece, and one ReLU for each knot: of x - knot for those above the piece, of knot - x for those below it, times
   * what the slope changes by. A piece that is flat takes no linear elements.
   */
  #sum(x: string, { knots, pieces }: PiecewiseLine): string {
    const flat = pieces.findIndex(({ slope }) => slope === 0);
    if (knots.length === 0) return this.#line(x, pieces[0].slope, pieces[0].offset);
    const changes = knots.map((_, i) => pieces[i + 1].slope - pieces[i].slope);
    const relus = (first: number) =>
      changes.map((change, i) => {
        const line = i >= first ? this.#line(x, 1, -knots[i]) : this.#line(x, -1, knots[i]);
        return this.#line(this.#add('Relu', [line]), change, 0);
      });
    if (flat >= 0) {
      const terms = relus(flat).reduce((sum, term) => this.#add('Add', [sum, term]));
      return this.#line(terms, 1, pieces[flat].offset);
    }
    // No piece is flat: the first knot takes the line with it.
    const [below, above] = pieces;
    const line = this.#line(x, 1, -knots[0]);
    const leaky = this.#add('LeakyRelu', [line], below.slope / above.slope);
    const first = this.#line(leaky, above.slope, valueAt(below, knots[0]));
    return relus(0)
      .slice(1)
      .reduce((sum, term) => this.#add('Add', [sum, term]), first);
  }

  /** slope * x + offset. */
  #line(x: string, slope: number, offset: number): string {
    const product = slope === 1 ? x : this.#add('Mul', [x, this.#constant(slope)]);
    return offset === 0 ? product : this.#add('Add', [product, this.#constant(offset)]);
  }

  #add(opType: string, input: string[], alpha?: number): string {
    const output = this.#freshName();
    const attribute = alpha === undefined ? [] : [{ name: 'alpha', f: alpha }];
    this.#nodes.push(
      new OnnxNode({ opType, name: JSON.parse(this.#node.label), input, output: [output], attribute }),
    );
    return output;
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

  /** Names of the file hold no zero byte where this one does. */
  #freshName(): string {
    return `${this.#node.outputs[0]}\0${this.#nodes.length}/${this.#constants.size}`;
  }
}
