/** Random small networks of everything that can be imported, written as ONNX: support for tests. */
import type { Shape } from '../../model/shape.ts';
import { OnnxBuilder } from './onnx-builder.ts';

export const GRAPH_INPUT: Shape = { channels: 2, height: 8, width: 7 };

interface Value extends Shape {
  readonly name: string;
}

type Step = (b: OnnxBuilder, x: Value, all: readonly Value[]) => Value | null;

const upTo = (b: OnnxBuilder, most: number) => 1 + Math.floor(b.random() * most);
const pick = <T>(b: OnnxBuilder, list: readonly T[]): T => list[upTo(b, list.length) - 1];
const sameMap = (a: Value, b: Value) => a.height === b.height && a.width === b.width;

/** One step of a network: reads the newest value, and maybe older ones; null where it does not fit. */
const STEPS: readonly Step[] = [
  (b, x) => {
    const kernel = pick(b, [2, 3]);
    const strides = pick(b, [
      [1, 1],
      [1, 1],
      [2, 2],
      [2, 1],
      [1, 3],
    ]);
    const pads = [0, 1, 2, 3].map(() => upTo(b, kernel) - 1);
    const height = Math.floor((x.height + pads[0] + pads[2] - kernel) / strides[0]) + 1;
    const width = Math.floor((x.width + pads[1] + pads[3] - kernel) / strides[1]) + 1;
    const channels = upTo(b, 5);
    if (height < 2 || width < 2) return null;
    const name = b.conv(x.name, x.channels, channels, kernel, { pads, strides });
    return { name, channels, height, width };
  },
  (b, x) => ({
    ...x,
    name: b.conv(x.name, x.channels, x.channels, 3, {
      pads: [2, 2, 2, 2],
      dilations: [2, 2],
      group: x.channels,
    }),
  }),
  (b, x) => {
    const channels = upTo(b, 6);
    return { ...x, channels, name: b.conv(x.name, x.channels, channels, 1) };
  },
  (b, x) => ({ ...x, name: b.batchNorm(x.name, x.channels) }),
  (b, x) => ({ ...x, name: b.node('Relu', [x.name]) }),
  (b, x) => ({ ...x, name: b.node('Relu', [x.name]) }),
  (b, x) => ({ ...x, name: b.node('Clip', [x.name, b.values([], [-0.3]), b.values([], [0.9])]) }),
  (b, x) => ({ ...x, name: b.node('Mul', [x.name, b.constant([x.channels, 1, 1])]) }),
  (b, x) => ({ ...x, name: b.quadratic(x.name, x.channels) }),
  (b, x) => {
    const dims = [x.channels, x.height, x.width];
    const mask = Array.from({ length: x.channels * x.height * x.width }, () => Number(b.random() < 0.5));
    const other = pick(b, [x.name, b.node('Relu', [x.name])]);
    return { ...x, name: b.masked(b.quadratic(x.name, x.channels), other, dims, mask) };
  },
  (b, x) => {
    const elements = x.channels * x.height * x.width;
    const mask = Array.from({ length: elements }, () => Number(b.random() < 0.5));
    return { ...x, name: b.maskedRelu(x.name, [x.channels, x.height, x.width], mask) };
  },
  (b, x) => {
    const window = { kernel_shape: [3, 3], pads: [1, 1, 1, 1], count_include_pad: upTo(b, 2) - 1 };
    return { ...x, name: b.node('AveragePool', [x.name], window) };
  },
  (b, x) => {
    if (x.height < 4 || x.width < 4) return null;
    const window = { kernel_shape: [2, 2], strides: [2, 2] };
    const [height, width] = [Math.floor(x.height / 2), Math.floor(x.width / 2)];
    return { ...x, height, width, name: b.node(pick(b, ['MaxPool', 'AveragePool']), [x.name], window) };
  },
  (b, x, all) => {
    const other = all.findLast((y) => y.name !== x.name && sameMap(x, y) && x.channels === y.channels);
    return other ? { ...x, name: b.node(pick(b, ['Add', 'Sub']), [x.name, other.name]) } : null;
  },
  (b, x, all) => {
    const other = pick(b, all);
    if (!sameMap(x, other) || x.channels + other.channels > 8) return null;
    return {
      ...x,
      channels: x.channels + other.channels,
      name: b.node('Concat', [x.name, other.name], { axis: 1 }),
    };
  },
  (b, x) => {
    if (x.channels % 2 !== 0) return null;
    const sizes = [x.height, x.width];
    const grouped = b.node('Reshape', [x.name, b.integers([1, 2, x.channels / 2, ...sizes])]);
    const turned = b.node('Transpose', [grouped], { perm: [0, 2, 1, 3, 4] });
    return { ...x, name: b.node('Reshape', [turned, b.integers([1, x.channels, ...sizes])]) };
  },
  (b, x) => {
    if (x.channels < 2) return null;
    const first = upTo(b, x.channels - 1);
    const [name] = b.nodes('Split', [x.name, b.integers([first, x.channels - first])], 2, { axis: 1 });
    return { ...x, channels: first, name };
  },
];

/** A file with about `steps` operators; its classifier has three classes. */
export function randomGraph(seed: number, steps: number): Uint8Array {
  const b = new OnnxBuilder(GRAPH_INPUT, seed);
  const values: Value[] = [{ ...GRAPH_INPUT, name: 'image' }];
  for (let i = 0; i < steps; i++) {
    const value = pick(b, STEPS)(b, values[values.length - 1], values);
    if (value) values.push(value);
  }
  const last = values[values.length - 1];
  return b.finish(b.classifier(last.name, last.channels, 3));
}
