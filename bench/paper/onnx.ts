import onnxProto from 'onnx-proto';
import { SphynxError } from '../../errors/sphynx-error.ts';
import { flagsOf } from '../../model/element-bitmap.ts';
import { elementsOf, tensorShapes, termConvolution } from '../../model/geometry.ts';
import type { FixedNetwork } from '../../model/network.ts';
import type { Shape, Squares } from '../../model/shape.ts';

const { ModelProto, AttributeProto, TensorProto } = onnxProto.onnx;

/**
 * Converts a network to an ONNX file in single precision, for a plaintext runtime: the same collapsed layers, with the
 * bits that a gadget drops as a factor of the weights. Its values equal the integer executor's before rounding. Throws
 * 'internal' for a convolution that skips windows at the map's end, which no trained network has.
 */
export function onnxOf(network: FixedNetwork): Uint8Array {
  const { card } = network;
  const graph = new GraphWriter();
  const tensors = ['image'];
  const shapes = tensorShapes(card);
  for (const [l, { output, terms, gadget, linear, squares }] of card.layers.entries()) {
    const { kernels, bias } = network.layers[l];
    // Values are in the units of the ReLUs; squares drop other bits.
    const squareUnit = 2 ** ((gadget?.dropBits ?? 0) - (squares?.dropBits ?? 0));
    const unit = gadget === null ? 1 : 2 ** -gadget.dropBits;
    const summed = terms.map(({ tensor, pool }, t) => {
      const c = termConvolution(card, l, t);
      const dims = [c.channelsOut, c.channelsIn / c.groups, c.kernelHeight, c.kernelWidth];
      const weights = graph.constant(dims, kernels[t], unit);
      const sum =
        pool === 'sum' ? graph.node('ReduceSum', [tensors[tensor], graph.axes(2, 3)]) : tensors[tensor];
      const inputs = [sum, weights, ...(t === 0 ? [graph.constant([c.channelsOut], bias, unit)] : [])];
      const bottom = endPadding(c.height, c.kernelHeight, c.strideY, c.padTop, c.outHeight);
      const right = endPadding(c.width, c.kernelWidth, c.strideX, c.padLeft, c.outWidth);
      const pads = [c.padTop, c.padLeft, bottom, right];
      return graph.node('Conv', inputs, { pads, strides: [c.strideY, c.strideX], group: c.groups });
    });
    const value = summed.reduce((a, b) => graph.node('Add', [a, b]));
    const flags = flagsOf(linear, elementsOf(output));
    const plain = gadget === null ? value : activation(graph, value, output, flags);
    tensors.push(squares ? squared(graph, value, plain, output, squares, squareUnit) : plain);
  }
  return graph.finish(shapes[0], tensors[tensors.length - 1]);
}

/** ReLUs, without those of the linear elements. */
function activation(graph: GraphWriter, value: string, shape: Shape, linear: Uint8Array | null): string {
  const relu = graph.node('Relu', [value]);
  if (linear === null) return relu;
  const dims = [shape.channels, shape.height, shape.width];
  const kept = graph.constant(
    dims,
    linear.map((flag) => 1 - flag),
    1,
  );
  return graph.node('Add', [
    graph.node('Mul', [relu, kept]),
    graph.node('Mul', [value, graph.constant(dims, linear, 1)]),
  ]);
}

/** The square of `value` times `unit` at the squares, and `other` times 2^shiftBits elsewhere. */
function squared(
  graph: GraphWriter,
  value: string,
  other: string,
  shape: Shape,
  { elements, shiftBits }: Squares,
  unit: number,
): string {
  const flags = flagsOf(elements, elementsOf(shape)) as Uint8Array;
  const dims = [shape.channels, shape.height, shape.width];
  const root = graph.node('Mul', [value, graph.constant(dims, flags, unit)]);
  const square = graph.node('Mul', [root, root]);
  if (!flags.includes(0)) return square;
  const rest = graph.constant(
    dims,
    flags.map((flag) => 1 - flag),
    2 ** shiftBits,
  );
  return graph.node('Add', [square, graph.node('Mul', [other, rest])]);
}

/** Returns the zeros below or to the right of a map, of which the last window may skip less than a stride. */
function endPadding(size: number, kernel: number, stride: number, before: number, out: number): number {
  const end = (out - 1) * stride + kernel - before - size;
  if (end <= -stride) throw new SphynxError('internal', 'a convolution that leaves out windows');
  return Math.max(0, end);
}

class GraphWriter {
  readonly #nodes: onnxProto.onnx.INodeProto[] = [];
  readonly #constants: onnxProto.onnx.ITensorProto[] = [];

  /** Values times a unit, as float32. */
  constant(dims: number[], values: Int32Array | Uint8Array, unit: number): string {
    const floats = Float32Array.from(values, (value) => value * unit);
    return this.#constant(dims, TensorProto.DataType.FLOAT, new Uint8Array(floats.buffer));
  }

  axes(...values: number[]): string {
    const words = BigInt64Array.from(values, BigInt);
    return this.#constant([values.length], TensorProto.DataType.INT64, new Uint8Array(words.buffer));
  }

  /** Adds a node and returns the name of its output. */
  node(opType: string, input: string[], attributes: Record<string, number | number[]> = {}): string {
    const name = `node-${this.#nodes.length}`;
    const { INT, INTS } = AttributeProto.AttributeType;
    const attribute = Object.entries(attributes).map(([key, value]) =>
      typeof value === 'number' ? { name: key, type: INT, i: value } : { name: key, type: INTS, ints: value },
    );
    this.#nodes.push({ opType, name, input, output: [name], attribute });
    return name;
  }

  finish({ channels, height, width }: Shape, output: string): Uint8Array {
    const dim = [1, channels, height, width].map((dimValue) => ({ dimValue }));
    const elemType = TensorProto.DataType.FLOAT;
    const graph = {
      name: 'network',
      node: this.#nodes,
      initializer: this.#constants,
      input: [{ name: 'image', type: { tensorType: { elemType, shape: { dim } } } }],
      output: [{ name: output, type: { tensorType: { elemType } } }],
    };
    const model = { irVersion: 8, opsetImport: [{ domain: '', version: 17 }], graph };
    return ModelProto.encode(ModelProto.create(model)).finish();
  }

  #constant(dims: number[], dataType: number, rawData: Uint8Array): string {
    const name = `constant-${this.#constants.length}`;
    this.#constants.push({ name, dims, dataType, rawData });
    return name;
  }
}
