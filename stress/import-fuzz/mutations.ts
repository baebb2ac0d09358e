import onnxProto from 'onnx-proto';

/** Mutations that turn a valid ONNX file into a strange or broken one. */

type Random = () => number;
type Graph = onnxProto.onnx.IGraphProto;
type Node = onnxProto.onnx.INodeProto;

const { ModelProto } = onnxProto.onnx;

const upTo = (random: Random, most: number) => Math.floor(random() * most);
const pick = <T>(random: Random, list: readonly T[]): T => list[upTo(random, list.length)];

/** Overwrites, drops, repeats or truncates bytes. */
export function changeBytes(file: Uint8Array, random: Random): Uint8Array {
  let bytes = Uint8Array.from(file);
  for (let times = 1 + upTo(random, 4); times > 0 && bytes.length > 1; times--) {
    const at = upTo(random, bytes.length);
    const count = 1 + upTo(random, 8);
    const way = upTo(random, 5);
    if (way < 2) bytes[at] = pick(random, [0, 1, 127, 128, 255, upTo(random, 256)]);
    else if (way === 2) bytes = Uint8Array.of(...bytes.subarray(0, at), ...bytes.subarray(at + count));
    else if (way === 3)
      bytes = Uint8Array.of(
        ...bytes.subarray(0, at),
        ...bytes.subarray(at, at + count),
        ...bytes.subarray(at),
      );
    else if (random() < 0.2) bytes = bytes.slice(0, at);
  }
  return bytes;
}

const INTEGERS = [-(2 ** 31), -7, -2, -1, 0, 1, 2, 3, 5, 64, 2 ** 15, 2 ** 31, 2 ** 40, 2 ** 53];
const FLOATS = [0, -1, 1e-30, 1e30, 3.4e38, Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];
const OPERATORS = [
  'Conv ConvTranspose MaxPool AveragePool GlobalMaxPool GlobalAveragePool Relu Clip Max Min Abs Neg Add Sub Mul Div Sum',
  'Mean MatMul Gemm Flatten Reshape Transpose Squeeze Unsqueeze Concat Split Slice Gather Pad Expand ReduceMean ReduceSum',
  'ReduceMax BatchNormalization Dropout Identity Cast Shape Size ConstantOfShape Constant SpaceToDepth DepthToSpace PRelu',
  'LeakyRelu HardSigmoid Softmax LogSoftmax Sigmoid Where If Loop Tile Range Resize NonZero Einsum Mystery',
].flatMap((line) => line.split(' '));

/** Structural mutations; each does nothing if it finds nothing to change. */
const CHANGES: readonly ((graph: Graph, random: Random, model: onnxProto.onnx.IModelProto) => void)[] = [
  (graph, random) => {
    const list = integersOf(node(graph, random), random);
    if (list) list[upTo(random, list.length)] = pick(random, INTEGERS);
  },
  (graph, random) => {
    const list = integersOf(node(graph, random), random);
    if (random() < 0.5) list?.pop();
    else list?.push(pick(random, INTEGERS));
  },
  (graph, random) => {
    const changed = node(graph, random);
    const attribute = changed.attribute?.length ? pick(random, changed.attribute) : undefined;
    if (attribute) [attribute.i, attribute.f] = [pick(random, INTEGERS), pick(random, FLOATS)];
  },
  (graph, random) => void node(graph, random).attribute?.pop(),
  (graph, random) => {
    const changed = node(graph, random);
    const at = upTo(random, changed.input!.length);
    changed.input![at] = pick(random, [...namesOf(graph), '', 'nowhere']);
  },
  (graph, random) => {
    const changed = node(graph, random);
    if (random() < 0.5) changed.input!.pop();
    else changed.input!.push(pick(random, namesOf(graph)));
  },
  (graph, random) => {
    node(graph, random).opType = pick(random, OPERATORS);
  },
  (graph, random) => void graph.node!.splice(upTo(random, graph.node!.length), 1),
  (graph, random) => {
    const original = node(graph, random);
    graph.node!.push({ ...original, output: random() < 0.5 ? original.output : ['twice'] });
  },
  (graph, random) => {
    const dims = tensor(graph, random)?.dims;
    if (dims?.length) dims[upTo(random, dims.length)] = pick(random, INTEGERS);
  },
  (graph, random) => {
    const dims = tensor(graph, random)?.dims;
    if (random() < 0.5) dims?.push(1);
    else dims?.pop();
  },
  (graph, random) => {
    const changed = tensor(graph, random);
    if (changed) changed.dataType = upTo(random, 24);
  },
  (graph, random) => {
    const changed = tensor(graph, random);
    if (changed?.floatData?.length)
      changed.floatData[upTo(random, changed.floatData.length)] = pick(random, FLOATS);
    if (changed?.int64Data?.length)
      changed.int64Data[upTo(random, changed.int64Data.length)] = pick(random, INTEGERS);
  },
  (graph, random) => void graph.initializer!.splice(upTo(random, graph.initializer!.length), 1),
  (graph, random) => {
    const changed = tensor(graph, random);
    if (changed)
      Object.assign(changed, { dataLocation: 1, externalData: [{ key: 'location', value: '../x' }] });
  },
  (graph, random) => {
    const dim = graph.input![0].type?.tensorType?.shape?.dim;
    if (dim?.length) dim[upTo(random, dim.length)] = { dimValue: pick(random, INTEGERS) };
  },
  (graph, random) => void graph.output!.push({ name: pick(random, namesOf(graph)) }),
  (graph, random) => {
    graph.output![0].name = pick(random, namesOf(graph));
  },
  (_, random, model) => {
    model.opsetImport![0].version = pick(random, [1, 7, 9, 11, 13, 15, 18, 21, 99]);
  },
  (_, random, model) => {
    model.irVersion = pick(random, [0, 3, 8, 10, 99, 2 ** 31]);
  },
  (graph, random) => {
    const sizes = Array.from({ length: 1 + upTo(random, 3) }, () =>
      pick(random, [1, 3, 64, 2 ** 10, 2 ** 20, -1]),
    );
    graph.initializer!.push({ name: 'sizes', dims: [sizes.length], dataType: 7, int64Data: sizes });
    graph.node!.unshift({ opType: 'ConstantOfShape', input: ['sizes'], output: ['filled'] });
    const changed = node(graph, random);
    changed.input![upTo(random, changed.input!.length)] = 'filled';
  },
];

/** Returns the file after one to three structural changes. */
export function changeStructure(file: Uint8Array, random: Random): Uint8Array {
  const model = ModelProto.decode(file);
  for (let times = pick(random, [1, 1, 1, 2, 3]); times > 0; times--)
    if (model.graph!.node!.length > 0 && model.graph!.initializer!.length > 0)
      pick(random, CHANGES)(model.graph!, random, model);
  return ModelProto.encode(model).finish();
}

function node(graph: Graph, random: Random): Node {
  const { node: nodes } = graph;
  return nodes!.length > 0 ? pick(random, nodes!) : { input: [''], output: [], attribute: [] };
}

function tensor(graph: Graph, random: Random): onnxProto.onnx.ITensorProto | undefined {
  return graph.initializer!.length > 0 ? pick(random, graph.initializer!) : undefined;
}

function integersOf({ attribute }: Node, random: Random): (number | object)[] | null {
  const lists = (attribute ?? []).flatMap(({ ints }) => (ints?.length ? [ints] : []));
  return lists.length > 0 ? pick(random, lists) : null;
}

function namesOf(graph: Graph): string[] {
  return [
    ...graph.node!.flatMap(({ output }) => output ?? []),
    ...graph.initializer!.map(({ name }) => name ?? ''),
    ...graph.input!.map(({ name }) => name ?? ''),
  ];
}
