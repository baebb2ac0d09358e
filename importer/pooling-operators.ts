import { type AffineValue, scaleValue } from './affine.ts';
import { sizesOf } from './layout.ts';
import type { NodeInputs, Operator } from './node-inputs.ts';
import { reductionOf } from './reduction-axes.ts';
import { exactly, unsupported } from './refusals.ts';
import { meanOver } from './relayout.ts';
import { averageWindows, countsOf } from './rewrites/average-window.ts';
import { mapSize } from './spatial.ts';
import { coversMap, poolingWindow } from './window.ts';

/** ONNX operators that average (onnx/docs/Operators.md), as maps of affine values. */
export const POOLING_OPERATORS: Record<string, Operator> = {
  AveragePool: (inputs, segments) => {
    const { node } = inputs;
    const value = inputs.value(0);
    const size = mapSize(value);
    const window = poolingWindow(node, size, value.layout.length - 2);
    if (coversMap(window, size)) return meanOver(value, spatialAxes(value));
    const whole = node.integer('count_include_pad', 0) !== 0;
    const counted = (extent: number, before: number, after: number): [number, number] =>
      whole ? [-before, extent + after] : [0, extent];
    const { rows, columns, dilationY, dilationX, strideY, strideX } = window;
    const { padTop, padLeft, padBottom, padRight, outHeight, outWidth } = window;
    const counts = {
      rows: countsOf(counted(size.height, padTop, padBottom), rows, dilationY, strideY, padTop, outHeight),
      columns: countsOf(
        counted(size.width, padLeft, padRight),
        columns,
        dilationX,
        strideX,
        padLeft,
        outWidth,
      ),
    };
    if ([...counts.rows, ...counts.columns].some((count) => count < 1))
      throw unsupported('some of its windows lie in the padding alone: pool with smaller pads');
    return exactly(averageWindows(segments, value, window, counts));
  },

  GlobalAveragePool: (inputs) => {
    const value = inputs.value(0);
    mapSize(value);
    return meanOver(value, spatialAxes(value));
  },

  ReduceMean: (inputs) => reduced(inputs, false),
  ReduceSum: (inputs) => reduced(inputs, true),
};

function spatialAxes({ layout }: AffineValue): number[] {
  return [...layout.keys()].slice(2);
}

/** The mean over the axes that a node names, or the sum. */
function reduced(inputs: NodeInputs, sum: boolean): AffineValue {
  const value = inputs.value(0);
  const { axes, keep } = reductionOf(inputs, value);
  const sizes = sizesOf(value.layout);
  const count = axes.reduce((product, axis) => product * sizes[axis], 1);
  const mean = meanOver(value, axes);
  const result = sum ? scaleValue(mean, count) : mean;
  if (keep) return result;
  return { ...result, layout: result.layout.filter((_, axis) => !axes.includes(axis)) };
}
