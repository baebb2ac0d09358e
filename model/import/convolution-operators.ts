import { MAX_KERNEL, MAX_SIDE } from '../limits.ts';
import { convolveValue, type Window } from './affine-convolution.ts';
import { type DenseKernel, diagonalKernel, makeKernel } from './dense-kernel.ts';
import { type Operator, perChannel } from './node-inputs.ts';
import { type Constant, formatError } from './onnx-constant.ts';
import { exactly, unsupported } from './refusals.ts';
import { bounded, mapOf, outSize, windowOf } from './window.ts';

/** ONNX convolutions and padding (onnx/docs/Operators.md), as convolutions of affine values. */
export const CONVOLUTION_OPERATORS: Record<string, Operator> = {
  Conv: (inputs) => {
    const { node } = inputs;
    const value = mapOf(inputs);
    const weights = inputs.constant(1);
    const [out, perGroup, height, width] = weights.dims;
    const groups = node.integer('group', 1);
    if (
      weights.dims.length !== 4 ||
      groups < 1 ||
      out % groups !== 0 ||
      perGroup * groups !== value.shape.channels
    )
      throw formatError(
        `node ${node.label}: weights ${weights.dims.join('x')} in ${groups} groups for ${value.shape.channels} channels`,
      );
    const [dilationY, dilationX] = bounded(node, 'dilations', [1, 1], 1, MAX_KERNEL);
    const kernel = groupedKernel(weights, groups, dilationY, dilationX);
    const bias = inputs.has(2) ? perChannel(inputs, 2, out) : new Float64Array(out);
    node.integers('kernel_shape', [height, width]).forEach((size, i) => {
      if (size !== weights.dims[2 + i])
        throw formatError(`node ${node.label}: kernel_shape is not that of the weights`);
    });
    return exactly(convolveValue(value, kernel, bias, windowOf(node, value.shape, kernel)));
  },

  /** Without strides it is a convolution with the kernel turned by half a turn. */
  ConvTranspose: (inputs) => {
    const { node } = inputs;
    const value = mapOf(inputs);
    const { dims, values } = inputs.constant(1);
    const [channels, out, height, width] = dims;
    if (bounded(node, 'strides', [1, 1], 1, MAX_SIDE).some((stride) => stride !== 1))
      throw unsupported('its strides enlarge the map, which classifiers do not need');
    if (
      node.integer('group', 1) !== 1 ||
      bounded(node, 'dilations', [1, 1], 1, MAX_KERNEL).some((d) => d !== 1)
    )
      throw unsupported('it is grouped or dilated; use a Conv');
    if (dims.length !== 4 || channels !== value.shape.channels || node.has('output_shape'))
      throw formatError(`node ${node.label}: weights ${dims.join('x')} for ${value.shape.channels} channels`);
    const pads = bounded(node, 'pads', [0, 0, 0, 0], 0, MAX_SIDE);
    const kernel = makeKernel(out, channels, height, width, (data) => {
      const area = height * width;
      for (let o = 0; o < out; o++)
        for (let c = 0; c < channels; c++)
          for (let i = 0; i < area; i++)
            data[(o * channels + c) * area + area - 1 - i] = values[(c * out + o) * area + i];
    });
    const bias = inputs.has(2) ? perChannel(inputs, 2, out) : new Float64Array(out);
    const window = {
      strideY: 1,
      strideX: 1,
      padTop: height - 1 - pads[0],
      padLeft: width - 1 - pads[1],
      outHeight: outSize(node, value.shape.height + height - 1 - pads[0] - pads[2]),
      outWidth: outSize(node, value.shape.width + width - 1 - pads[1] - pads[3]),
    };
    return exactly(convolveValue(value, kernel, bias, window));
  },

  Pad: (inputs) => {
    const { node } = inputs;
    const value = mapOf(inputs);
    if (node.text('mode', 'constant') !== 'constant')
      throw unsupported('it does not pad with zeros: train with zero padding');
    const filler = inputs.has(2) ? inputs.constant(2).values[0] : node.float('value', 0);
    if (filler !== 0)
      throw unsupported(
        `it pads with ${filler}, not with zeros: subtract ${filler} before it and add it behind`,
      );
    const given = inputs.has(1) ? [...inputs.constant(1).values] : node.integers('pads', [], 8);
    const pads = inputs.has(3) ? spread(given, [...inputs.constant(3).values]) : given;
    if (pads.length !== 8 || !pads.every((pad) => Number.isInteger(pad) && Math.abs(pad) <= MAX_SIDE))
      throw formatError(`node ${node.label}: pads must be 8 integers up to ${MAX_SIDE}`);
    if (pads[0] || pads[1] || pads[4] || pads[5])
      throw unsupported('it pads the batch or the channels: use a 1x1 Conv for more channels');
    const { channels, height, width } = value.shape;
    const window: Window = {
      strideY: 1,
      strideX: 1,
      padTop: pads[2],
      padLeft: pads[3],
      outHeight: outSize(node, height + pads[2] + pads[6]),
      outWidth: outSize(node, width + pads[3] + pads[7]),
    };
    return exactly(
      convolveValue(value, diagonalKernel(channels, 1, 1, 1), new Float64Array(channels), window),
    );
  },
};

/** Pads of the named axes as pads of all four. */
function spread(pads: readonly number[], axes: readonly number[]): number[] {
  const all = new Array<number>(8).fill(0);
  for (const [i, axis] of axes.entries()) {
    const at = axis < 0 ? axis + 4 : axis;
    [all[at], all[at + 4]] = [pads[i] ?? 0, pads[i + axes.length] ?? 0];
  }
  return all;
}

/** Weights [out, in / groups, kh, kw] as a kernel over all channels, with zeros between dilated taps. */
function groupedKernel(
  { dims, values }: Constant,
  groups: number,
  dilationY: number,
  dilationX: number,
): DenseKernel {
  const [out, perGroup, height, width] = dims;
  if (height < 1 || width < 1 || height > MAX_KERNEL || width > MAX_KERNEL)
    throw unsupported(`its kernel of ${height}x${width} is larger than ${MAX_KERNEL}: pool before it`);
  const extent = [(height - 1) * dilationY + 1, (width - 1) * dilationX + 1] as const;
  return makeKernel(out, perGroup * groups, ...extent, (data) => {
    const channels = perGroup * groups;
    let next = 0;
    for (let o = 0; o < out; o++) {
      const firstIn = Math.floor(o / (out / groups)) * perGroup;
      for (let c = firstIn; c < firstIn + perGroup; c++)
        for (let y = 0; y < height; y++)
          for (let x = 0; x < width; x++) {
            const row = (o * channels + c) * extent[0] + y * dilationY;
            data[row * extent[1] + x * dilationX] = values[next++];
          }
    }
  });
}
