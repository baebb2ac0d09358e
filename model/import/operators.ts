import { SphynxError } from '../../errors/sphynx-error.ts';
import { ARITHMETIC_OPERATORS } from './arithmetic-operators.ts';
import { CONVOLUTION_OPERATORS } from './convolution-operators.ts';
import type { Operator } from './node-inputs.ts';
import { NONLINEAR_OPERATORS, type NonlinearOperator } from './nonlinear-operators.ts';
import type { OnnxNode } from './onnx-node.ts';
import { POOLING_OPERATORS } from './pooling-operators.ts';
import { PRODUCT_OPERATORS } from './product-operators.ts';
import { RESIZE_OPERATORS } from './resize-operators.ts';
import { SHAPE_OPERATORS } from './shape-operators.ts';

/** All operators of ONNX that can be run, by type. */
export const LINEAR = new Map<string, Operator>(
  Object.entries({
    ...ARITHMETIC_OPERATORS,
    ...PRODUCT_OPERATORS,
    ...SHAPE_OPERATORS,
    ...CONVOLUTION_OPERATORS,
    ...POOLING_OPERATORS,
    ...RESIZE_OPERATORS,
  }),
);
export const NONLINEAR = new Map<string, NonlinearOperator>(Object.entries(NONLINEAR_OPERATORS));

/** Linear operators that work element by element. */
export const POINTWISE: ReadonlySet<string> = new Set(Object.keys(ARITHMETIC_OPERATORS));

const SMOOTH =
  'a smooth activation has no garbled circuit here: put a Relu in its place and train a few epochs more';
const DYNAMIC = 'only feed-forward networks of fixed size can be run: export one image, without control flow';
const COMPARISON =
  'it compares what is computed from the input: write the choice with Relu, Max, Min or Clip, as max(x, 0) for where(x > 0, x, 0)';
const SEQUENCE = 'only convolutional networks can be run';
const NORM = 'it normalises by statistics of the image: use BatchNormalization, whose statistics are fixed';

/** What to do about operators that cannot be run. */
const REMEDIES: Record<string, string> = {
  ...named('Sigmoid HardSwish Swish Elu Selu Celu Gelu Mish Tanh Softplus Softsign Erf Exp', SMOOTH),
  ...named('If Loop Scan NonZero', DYNAMIC),
  ...named('Where Greater GreaterOrEqual Less LessOrEqual Equal Not And Or Xor Sign', COMPARISON),
  ...named('LSTM GRU RNN Attention', SEQUENCE),
  ...named('LayerNormalization InstanceNormalization GroupNormalization LRN MeanVarianceNormalization', NORM),
  Softmax: 'only the output may go through a Softmax; the client computes that one',
};

/** For a node whose operator is not in the table. */
export function refusal({ type }: OnnxNode): SphynxError {
  const remedy = Object.hasOwn(REMEDIES, type)
    ? REMEDIES[type]
    : 'export with the operators of docs/import.md';
  return new SphynxError('model/unsupported', `this operator is not supported; ${remedy}`);
}

function named(types: string, remedy: string): Record<string, string> {
  return Object.fromEntries(types.split(' ').map((type) => [type, remedy]));
}
