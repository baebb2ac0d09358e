import { MAX_KERNEL } from '../limits.ts';
import { poolGlobally } from './affine-convolution.ts';
import type { Operator } from './node-inputs.ts';
import { exactly, unsupported } from './refusals.ts';
import { averageWindows, countsOf } from './rewrites/average-window.ts';
import { bounded, mapOf, windowOf, withLastWindows } from './window.ts';

/** ONNX operators that average (onnx/docs/Operators.md), as maps of affine values. */
export const POOLING_OPERATORS: Record<string, Operator> = {
  AveragePool: (inputs, segments) => {
    const { node } = inputs;
    const value = mapOf(inputs);
    const [rows, columns] = bounded(node, 'kernel_shape', [0, 0], 1, MAX_KERNEL);
    if (bounded(node, 'dilations', [1, 1], 1, MAX_KERNEL).some((d) => d !== 1))
      throw unsupported('it is dilated; use a Conv with equal weights');
    const extent = { height: rows, width: columns };
    const window = withLastWindows(node, value.shape, extent, windowOf(node, value.shape, extent));
    const whole = node.integer('count_include_pad', 0) !== 0;
    const counted = (size: number, before: number, after: number): [number, number] =>
      whole ? [-before, size + after] : [0, size];
    const { strideY, strideX, padTop, padLeft, padBottom, padRight, outHeight, outWidth } = window;
    const { height, width } = value.shape;
    const counts = {
      rows: countsOf(counted(height, padTop, padBottom), rows, strideY, padTop, outHeight),
      columns: countsOf(counted(width, padLeft, padRight), columns, strideX, padLeft, outWidth),
    };
    if ([...counts.rows, ...counts.columns].some((count) => count < 1))
      throw unsupported('some of its windows lie in the padding alone: pool with smaller pads');
    return exactly(averageWindows(segments, value, { ...window, rows, columns }, counts));
  },

  GlobalAveragePool: (inputs) => exactly(poolGlobally(mapOf(inputs))),

  ReduceMean: (inputs) => {
    const { node } = inputs;
    const axes = inputs.has(1) ? [...inputs.constant(1).values] : node.integers('axes', [], null);
    const spatial = axes.map((axis) => (axis < 0 ? axis + 4 : axis)).sort();
    if (spatial.join() !== '2,3')
      throw unsupported(
        'it averages over other axes than the map (2 and 3): use a GlobalAveragePool, or a Conv with equal weights',
      );
    const mean = exactly(poolGlobally(mapOf(inputs)));
    return { ...mean, flat: node.integer('keepdims', 1) === 0 };
  },
};
