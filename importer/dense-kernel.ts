import { InexactError } from './refusals.ts';

/** A convolution kernel in floats: data [out, in, height, width]. Never changed after it is made. */
export interface DenseKernel {
  readonly out: number;
  readonly in: number;
  readonly height: number;
  readonly width: number;
  readonly data: Float64Array;
}

/** Most weights of one kernel (8 bytes each while a network is composed), because composition can multiply sizes. */
const MAX_KERNEL_WEIGHTS = 2 ** 26;

/** Whether a kernel of this size can be composed. */
export function fitsKernel(out: number, channelsIn: number, height: number, width: number): boolean {
  return out * channelsIn * height * width <= MAX_KERNEL_WEIGHTS;
}

/**
 * Creates a kernel whose weights `fill` writes into zeros when they are first read, so a search for the best shape of a
 * network computes none. Throws 'model/unsupported' if it would be too large.
 */
export function makeKernel(
  out: number,
  channelsIn: number,
  height: number,
  width: number,
  fill: (data: Float64Array) => void,
): DenseKernel {
  const length = out * channelsIn * height * width;
  if (!fitsKernel(out, channelsIn, height, width))
    throw new InexactError(
      `a composed kernel of ${length} weights is more than ${MAX_KERNEL_WEIGHTS}: put a Relu between its operators, or use fewer channels`,
    );
  let data: Float64Array | undefined;
  // Released after use, and with it the kernels that it reads.
  let filling: typeof fill | undefined = fill;
  return {
    out,
    in: channelsIn,
    height,
    width,
    get data() {
      if (!data) {
        const filled = new Float64Array(length);
        filling?.(filled);
        filling = undefined;
        data = filled;
      }
      return data;
    },
  };
}

/** The same factor on every channel's own map: an identity (factor 1), or one tap of a pooling window. */
export function diagonalKernel(channels: number, height: number, width: number, factor: number): DenseKernel {
  const area = height * width;
  return makeKernel(channels, channels, height, width, (data) => {
    for (let c = 0; c < channels; c++)
      data.fill(factor, (c * channels + c) * area, (c * channels + c + 1) * area);
  });
}

/** Every output channel times its factor. */
export function scaleOutputs(kernel: DenseKernel, factors: ArrayLike<number>): DenseKernel {
  return makeKernel(kernel.out, kernel.in, kernel.height, kernel.width, (data) => {
    const depth = data.length / kernel.out;
    for (const [i, weight] of kernel.data.entries()) data[i] = weight * factors[Math.floor(i / depth)];
  });
}

/** The kernel with zeros around it: `top` and `left` before, the rest of the new size after. */
export function embedKernel(
  kernel: DenseKernel,
  top: number,
  left: number,
  height: number,
  width: number,
): DenseKernel {
  if (top === 0 && left === 0 && height === kernel.height && width === kernel.width) return kernel;
  return makeKernel(kernel.out, kernel.in, height, width, (data) => {
    const weights = kernel.data;
    let from = 0;
    for (let plane = 0; plane < kernel.out * kernel.in; plane++)
      for (let y = 0; y < kernel.height; y++) {
        const to = (plane * height + y + top) * width + left;
        for (let x = 0; x < kernel.width; x++) data[to + x] = weights[from++];
      }
  });
}

/** Rows top .. top + height - 1 and columns left .. left + width - 1. */
export function cutKernel(
  kernel: DenseKernel,
  top: number,
  left: number,
  height: number,
  width: number,
): DenseKernel {
  if (height === kernel.height && width === kernel.width) return kernel;
  return makeKernel(kernel.out, kernel.in, height, width, (data) => {
    const weights = kernel.data;
    let to = 0;
    for (let plane = 0; plane < kernel.out * kernel.in; plane++)
      for (let y = 0; y < height; y++) {
        const from = (plane * kernel.height + y + top) * kernel.width + left;
        for (let x = 0; x < width; x++) data[to++] = weights[from + x];
      }
  });
}

/** The sum of two kernels of one size. */
export function addKernels(a: DenseKernel, b: DenseKernel): DenseKernel {
  return makeKernel(a.out, a.in, a.height, a.width, (data) => {
    const [x, y] = [a.data, b.data];
    for (let i = 0; i < data.length; i++) data[i] = x[i] + y[i];
  });
}

/** `kernel` as output channels first .. first + kernel.out - 1 of `out`; the others are zero. */
export function placeOutputs(kernel: DenseKernel, first: number, out: number): DenseKernel {
  return makeKernel(out, kernel.in, kernel.height, kernel.width, (data) =>
    data.set(kernel.data, first * (data.length / out)),
  );
}

/** `kernel` over input channels first .. first + kernel.in - 1 of `channels`; the others are not read. */
export function placeInputs(kernel: DenseKernel, first: number, channels: number): DenseKernel {
  return makeKernel(kernel.out, channels, kernel.height, kernel.width, (data) => {
    const area = kernel.height * kernel.width;
    const depth = kernel.in * area;
    for (let o = 0; o < kernel.out; o++)
      data.set(kernel.data.subarray(o * depth, (o + 1) * depth), (o * channels + first) * area);
  });
}

/** The output channels `channels` of `kernel`, in that order. */
export function pickOutputs(kernel: DenseKernel, channels: readonly number[]): DenseKernel {
  return makeKernel(channels.length, kernel.in, kernel.height, kernel.width, (data) => {
    const depth = data.length / channels.length;
    for (const [i, channel] of channels.entries())
      data.set(kernel.data.subarray(channel * depth, (channel + 1) * depth), i * depth);
  });
}

/**
 * The kernel of `outer` applied after `inner`, where inner has the given strides: a window of outer's rows j
 * reads inner's rows j * strideY .. j * strideY + inner.height - 1, and so do columns.
 */
export function composeKernels(
  outer: DenseKernel,
  inner: DenseKernel,
  strideY: number,
  strideX: number,
): DenseKernel {
  const height = (outer.height - 1) * strideY + inner.height;
  const width = (outer.width - 1) * strideX + inner.width;
  return makeKernel(outer.out, inner.in, height, width, (data) => {
    const [weights, source] = [outer.data, inner.data];
    const read = Array.from({ length: inner.out }, (_, m) => inputsRead(inner, m));
    const area = height * width;
    let next = 0;
    for (let o = 0; o < outer.out; o++) {
      const target = data.subarray(o * inner.in * area, (o + 1) * inner.in * area);
      for (let m = 0; m < outer.in; m++)
        for (let y = 0; y < outer.height; y++)
          for (let x = 0; x < outer.width; x++) {
            const weight = weights[next++];
            const first = y * strideY * width + x * strideX;
            if (weight !== 0) accumulate(target, first, area, width, weight, source, inner, m, read[m]);
          }
    }
  });
}

/** The input channels that output `m` of a kernel reads: one of a pool's, a group's of a grouped convolution's. */
function inputsRead({ data, in: channels, height, width }: DenseKernel, m: number): Uint32Array {
  const area = height * width;
  const reads = (c: number) =>
    data.subarray((m * channels + c) * area, (m * channels + c + 1) * area).some((weight) => weight !== 0);
  return Uint32Array.from({ length: channels }, (_, c) => c).filter(reads);
}

/** target[c, y.., x..] += weight * inner[m, c] for the given channels; `first` is the place of y and x in a channel. */
function accumulate(
  target: Float64Array,
  first: number,
  area: number,
  width: number,
  weight: number,
  source: Float64Array,
  inner: DenseKernel,
  m: number,
  channels: Uint32Array,
): void {
  const { height: rows, width: columns } = inner;
  const size = rows * columns;
  const start = m * inner.in * size;
  // Fast path, mainly for 1x1 after 1x1, for which the loops would cost too much.
  if (size === 1) {
    for (let i = 0; i < channels.length; i++)
      target[channels[i] * area + first] += weight * source[start + channels[i]];
    return;
  }
  for (let i = 0; i < channels.length; i++) {
    let from = start + channels[i] * size;
    let to = channels[i] * area + first;
    for (let y = 0; y < rows; y++, to += width)
      for (let x = 0; x < columns; x++) target[to + x] += weight * source[from++];
  }
}

/** Zero rows and columns at each border of a kernel; null if it is zero everywhere. */
export function zeroBorder({ data, height, width }: DenseKernel): Border | null {
  let [top, bottom, left, right] = [height, height, width, width];
  for (let i = 0; i < data.length; i++) {
    if (data[i] === 0) continue;
    const x = i % width;
    const y = Math.floor(i / width) % height;
    top = Math.min(top, y);
    bottom = Math.min(bottom, height - 1 - y);
    left = Math.min(left, x);
    right = Math.min(right, width - 1 - x);
  }
  return top === height ? null : { top, bottom, left, right };
}

export interface Border {
  readonly top: number;
  readonly bottom: number;
  readonly left: number;
  readonly right: number;
}
