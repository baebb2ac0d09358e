/** Small ONNX files with random weights, written node by node: for tests and fuzzing. */
import onnxProto from 'onnx-proto';
import { seededRandom } from '../../fixtures/seeded-random.ts';
import { dimsOf } from '../../model/geometry.ts';
import type { Shape } from '../../model/shape.ts';

const { ModelProto, AttributeProto, TensorProto } = onnxProto.onnx;

export class OnnxBuilder {
  readonly random: () => number;
  readonly #input: Shape;
  readonly #nodes: onnxProto.onnx.INodeProto[] = [];
  readonly #constants: onnxProto.onnx.ITensorProto[] = [];
  #names = 0;

  constructor(input: Shape, seed: number) {
    this.#input = input;
    this.random = seededRandom(seed);
  }

  /** A constant of random values in [low, high). */
  constant(dims: number[], low = -0.5, high = 0.5): string {
    const length = dims.reduce((product, dim) => product * dim, 1);
    return this.values(
      dims,
      Array.from({ length }, () => low + (high - low) * this.random()),
    );
  }

  values(dims: number[], floatData: number[]): string {
    const name = this.#name('w');
    this.#constants.push({ name, dims, dataType: TensorProto.DataType.FLOAT, floatData });
    return name;
  }

  /** A constant of random 8-bit integers. */
  bytes(dims: number[]): string {
    const name = this.#name('b');
    const length = dims.reduce((product, dim) => product * dim, 1);
    const int32Data = Array.from({ length }, () => Math.floor(255 * this.random()) - 127);
    this.#constants.push({ name, dims, dataType: TensorProto.DataType.INT8, int32Data });
    return name;
  }

  integers(values: number[]): string {
    const name = this.#name('i');
    this.#constants.push({
      name,
      dims: [values.length],
      dataType: TensorProto.DataType.INT64,
      int64Data: values,
    });
    return name;
  }

  /** An integer without axes. */
  integer(value: number): string {
    const name = this.#name('i');
    this.#constants.push({ name, dims: [], dataType: TensorProto.DataType.INT64, int64Data: [value] });
    return name;
  }

  /** Adds a node and returns the name of its output. */
  node(opType: string, input: string[], attributes: Record<string, number | number[] | string> = {}): string {
    return this.nodes(opType, input, 1, attributes)[0];
  }

  /** Adds a node with `count` outputs and returns their names. */
  nodes(
    opType: string,
    input: string[],
    count: number,
    attributes: Record<string, number | number[] | string> = {},
  ): string[] {
    const name = this.#name(opType.toLowerCase());
    const attribute = Object.entries(attributes).map(([key, value]) => attributeOf(key, value));
    const output = Array.from({ length: count }, (_, i) => (i === 0 ? name : `${name}.${i}`));
    this.#nodes.push({ opType, name, input, output, attribute });
    return output;
  }

  conv(
    input: string,
    from: number,
    to: number,
    kernel: number,
    attributes: Record<string, number | number[]> = {},
  ): string {
    const group = typeof attributes.group === 'number' ? attributes.group : 1;
    const weights = this.constant([to, from / group, kernel, kernel]);
    return this.node('Conv', [input, weights, this.constant([to])], attributes);
  }

  batchNorm(input: string, channels: number): string {
    const [scale, bias, mean] = [0, 1, 2].map(() => this.constant([channels]));
    return this.node('BatchNormalization', [input, scale, bias, mean, this.constant([channels], 0.5, 2)]);
  }

  /** The ReLU of `input` where `mask` [dims] is 1, and `input` elsewhere. */
  maskedRelu(input: string, dims: number[], mask: number[]): string {
    return this.masked(this.node('Relu', [input]), input, dims, mask);
  }

  /** `kept` where `mask` [dims] is 1, and `other` elsewhere. */
  masked(kept: string, other: string, dims: number[], mask: number[]): string {
    const complement = this.values(
      dims,
      mask.map((keep) => 1 - keep),
    );
    const chosen = this.node('Mul', [kept, this.values(dims, mask)]);
    return this.node('Add', [chosen, this.node('Mul', [other, complement])]);
  }

  /** p2 x^2 + p1 x + p0 of `input`, with numbers of each channel. */
  quadratic(input: string, channels: number): string {
    const [p2, p1, p0] = [0.05, -1, -0.5].map((low) => this.constant([channels, 1, 1], low, 0.5));
    const square = this.node('Mul', [this.node('Mul', [input, input]), p2]);
    return this.node('Add', [this.node('Add', [square, this.node('Mul', [input, p1])]), p0]);
  }

  /** The head of a classifier over a map of `channels`. */
  classifier(input: string, channels: number, classes: number): string {
    const flat = this.node('Flatten', [this.node('GlobalAveragePool', [input])]);
    return this.node('Gemm', [flat, this.constant([classes, channels]), this.constant([classes])], {
      transB: 1,
    });
  }

  /** The file, with `output` as the graph's output, whose input has the sizes `sizes`. */
  finish(
    output: string,
    sizes: readonly (number | string)[] = ['N', ...dimsOf(this.#input)],
    version = 17,
  ): Uint8Array {
    const dims = {
      elemType: 1,
      shape: {
        dim: sizes.map((size) => (typeof size === 'string' ? { dimParam: size } : { dimValue: size })),
      },
    };
    const graph = {
      name: 'test',
      node: this.#nodes,
      initializer: this.#constants,
      input: [{ name: 'image', type: { tensorType: dims } }],
      output: [{ name: output, type: { tensorType: { elemType: 1 } } }],
    };
    const model = { irVersion: 8, opsetImport: [{ domain: '', version }], graph };
    return ModelProto.encode(ModelProto.create(model)).finish();
  }

  #name(kind: string): string {
    return `${kind}_${this.#names++}`;
  }
}

/** Attributes that are numbers with fractions. */
const FLOATS: ReadonlySet<string> = new Set(['alpha', 'beta', 'lambd', 'bias', 'epsilon']);

function attributeOf(name: string, value: number | number[] | string): onnxProto.onnx.IAttributeProto {
  const { AttributeType } = AttributeProto;
  if (Array.isArray(value)) return { name, type: AttributeType.INTS, ints: value };
  if (typeof value === 'string')
    return { name, type: AttributeType.STRING, s: new TextEncoder().encode(value) };
  if (FLOATS.has(name)) return { name, type: AttributeType.FLOAT, f: value };
  return { name, type: AttributeType.INT, i: value };
}
