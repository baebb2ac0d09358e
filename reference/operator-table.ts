import { LINEAR, NONLINEAR } from '../importer/operators.ts';

/** Generates the table of operators in docs/import.md. A test compares both. */

/** Notes on operators. */
const LIMITS: Record<string, string> = {
  Abs: 'ReLU(x) + ReLU(-x)',
  Add: 'of computed values and constants; axes of size 1 are repeated',
  AveragePool: 'pads counted or not, ceil_mode, dilations',
  BatchNormalization: 'not in training mode; also behind Flatten',
  Cast: 'between types of floats',
  Clip: 'one ReLU per bound: low + ReLU(x - low) - ReLU(x - high)',
  Concat: 'along any axis but the batch, also with constants',
  Conv: 'in one or two dimensions; groups, dilations, strides, pads, auto_pad',
  ConvTranspose: 'groups, dilations, strides, pads, auto_pad, output_padding, output_shape',
  Div: 'by constants',
  Dropout: 'not in training mode',
  Einsum: 'of one computed operand, with constant weights or alone',
  Expand: 'repeats axes of size 1',
  Gather: 'by constant positions, along any axis; windows side by side as F.unfold takes them',
  GatherND: 'by constant positions; no batch_dims',
  Gemm: 'by constant weights on either side',
  GlobalMaxPool: 'as MaxPool, with the map as the window',
  HardSigmoid: 'a Clip of a line',
  LeakyRelu: '(1 - slope) ReLU(x) + slope x',
  MatMul: 'by constant weights on either side, along any axis',
  Max: 'of computed values and constants: max(x, y) = y + ReLU(x - y)',
  MaxPool: 'a tournament of max(x, y); pads, dilations, ceil_mode; windows side by side in steps',
  Min: 'as Max',
  Mul: 'by constants; of a value with itself, or with a line of it: a square',
  PRelu: 'one slope per channel',
  Pad: 'with a constant, along any axis but the batch; reflect, edge and wrap by rows and columns, at the cost of up to two round trips; with minus infinity before a MaxPool',
  Pow: 'to the power of 1; to that of 2 it is a square',
  ReduceMax: 'halves against halves',
  ReduceMean: 'over any axes; over the whole map one product per channel',
  ReduceMin: 'as ReduceMax',
  ReduceSum: 'as ReduceMean',
  Relu: 'also with a mask (models.md)',
  Reshape: 'to sizes that are constants or follow from Shape',
  Resize: 'nearest and linear; by whole factors a transposed convolution, other sizes for small maps',
  Slice: 'along any axis but the batch, forwards and backwards',
  SpaceToDepth: 'also as Reshape and Transpose, or as strided slices',
  Split: 'along any axis but the batch',
  Tile: 'along any axis but the batch',
  Upsample: 'as Resize',
  Transpose: 'any order; the batch stays in one piece',
};

/** Operators that are replaced by others, and how those are run. */
const REWRITTEN: Record<string, readonly [how: string, limits: string]> = {
  CastLike: ['linear', 'as Cast'],
  ConcatFromSequence: ['linear', 'of a SequenceConstruct, as Concat'],
  LpPool: ['ReLUs', 'with p = 1: a sum of magnitudes'],
  ReduceL1: ['ReLUs', 'as the ReduceSum of Abs'],
  ReduceSumSquare: ['squares', 'as the ReduceSum of squares'],
  SequenceAt: ['linear', 'by a constant position'],
  SequenceConstruct: ['linear', ''],
  SplitToSequence: ['linear', 'by constant sizes, as Slice'],
  HardSwish: ['ReLUs', 'two per element, and a square'],
  Shrink: ['ReLUs', 'as comparisons'],
  Sign: ['ReLUs', 'as comparisons'],
  ThresholdedRelu: ['ReLUs', 'as comparisons'],
  Where: ['ReLUs', 'as comparisons'],
};

/** The table of docs/import.md: a line per operator, linear ones first. */
export function operatorTable(): string {
  const rows = (names: Iterable<string>, how: string) => {
    const rewritten = Object.keys(REWRITTEN).filter((name) => REWRITTEN[name][0] === how);
    return [...names, ...rewritten]
      .sort()
      .map((name) => `| ${name} | ${how} | ${REWRITTEN[name]?.[1] ?? LIMITS[name] ?? ''} |`);
  };
  return [
    '| operator | run as | notes |',
    '| --- | --- | --- |',
    ...rows(LINEAR.keys(), 'linear'),
    ...rows(NONLINEAR.keys(), 'ReLUs'),
    ...rows([], 'squares'),
  ].join('\n');
}

/** Names in the table that are not operators. */
export function unknownLimits(): string[] {
  return Object.keys(LIMITS).filter((name) => !LINEAR.has(name) && !NONLINEAR.has(name));
}
