import type { AffineValue } from './affine.ts';
import { convolveValue } from './affine-convolution.ts';
import { type DenseKernel, makeKernel } from './dense-kernel.ts';
import { phasedLayout } from './phases.ts';
import { plainMap } from './spatial.ts';

/** One axis: for each phase of the output and each position of the input that it reads the tap of the kernel, or -1. */
interface Axis {
  readonly phases: number;
  readonly out: number;
  readonly pad: number;
  readonly extent: number;
  readonly taps: readonly (readonly number[])[];
}

/**
 * A transposed convolution: element i of the input adds the kernel to the output at i * stride - pad. Each output
 * position modulo the stride is a phase with a convolution of its own, and phases are channels (phases.ts). Where the
 * stride does not go into the output's size all of the output's positions are phases. Returns the reason as text
 * where it is not exact.
 *
 * @param kernel [out, in, rows, columns], not turned
 */
export function enlarged(
  value: AffineValue,
  kernel: DenseKernel,
  bias: Float64Array,
  [strideY, strideX]: readonly [number, number],
  [padTop, padLeft]: readonly [number, number],
  [outHeight, outWidth]: readonly [number, number],
): AffineValue | string {
  const map = plainMap(value);
  const { channels, height, width } = map.shape;
  const y = axisOf(height, kernel.height, strideY, padTop, outHeight);
  const x = axisOf(width, kernel.width, strideX, padLeft, outWidth);
  const out = kernel.out * y.phases * x.phases;
  const large = makeKernel(out, channels, y.extent, x.extent, (data) => {
    let next = 0;
    for (let o = 0; o < kernel.out; o++)
      for (const rows of y.taps)
        for (const columns of x.taps)
          for (let c = 0; c < channels; c++)
            for (const row of rows)
              for (const column of columns) {
                if (row >= 0 && column >= 0)
                  data[next] =
                    kernel.data[((o * channels + c) * kernel.height + row) * kernel.width + column];
                next++;
              }
  });
  const biases = Float64Array.from({ length: out }, (_, i) => bias[Math.floor(i / (y.phases * x.phases))]);
  const window = { strideY: 1, strideX: 1, padTop: y.pad, padLeft: x.pad, outHeight: y.out, outWidth: x.out };
  const result = convolveValue(map, large, biases, window);
  if (typeof result === 'string') return result;
  const [, own, rows, columns] = phasedLayout(kernel.out, { y: y.phases, x: x.phases }, result.shape);
  const spatial = value.layout.length === 4 ? [rows, columns] : [[...rows, ...columns]];
  return { ...result, layout: [value.layout[0], own, ...spatial] };
}

function axisOf(size: number, extent: number, stride: number, pad: number, out: number): Axis {
  const even = out % stride === 0;
  const phases = even ? stride : out;
  // Output position Y * stride + phase takes tap phase + pad - d * stride of the input at Y + d.
  const first = even ? Math.ceil((pad - extent + 1) / stride) : 0;
  const last = even ? Math.floor((stride - 1 + pad) / stride) : size - 1;
  const taps = Array.from({ length: phases }, (_, phase) =>
    Array.from({ length: last - first + 1 }, (_, i) => {
      const tap = phase + pad - (first + i) * stride;
      return tap >= 0 && tap < extent ? tap : -1;
    }),
  );
  return { phases, out: even ? out / stride : 1, pad: -first, extent: last - first + 1, taps };
}
