import { SphynxError } from '../errors/sphynx-error.ts';
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
  'a smooth activation has no garbled circuit here: put a Relu in its place and train a few more epochs';
const SIGMOID = `${SMOOTH}. If it is part of a SiLU (x * Sigmoid(x), also called Swish), replace the whole SiLU by a Relu; if it is part of a gate, remove the gate`;
const GELU = `${SMOOTH}. If it is part of a GELU, replace the whole GELU by a Relu`;
const DYNAMIC = 'only feed-forward networks of fixed size can be run: export one image, without control flow';
const COMPARISON =
  'it compares what is computed from the input: write the choice with Relu, Max, Min or Clip, as max(x, 0) for where(x > 0, x, 0)';
const SEQUENCE =
  'it computes one step from the last, with products of computed values: put convolutions over the sequence in its place and train again';
const NORM =
  'it normalises by statistics of the image, which no linear layer does: put a BatchNormalization in its place, whose statistics are fixed, and train a few more epochs';
const ROOT = `roots and norms of what is computed from the input have no protocol here; where this is part of a normalisation (LayerNorm, GroupNorm, RMSNorm): ${NORM}`;
const QUANTIZED =
  'it rounds what is computed from the input: export the network in floats, because the import chooses its own fixed point';
const CHOSEN =
  'it sorts what is computed from the input: export the model up to the values before it, and let the client choose among them';
const RANDOM = 'it is random: export model.eval(), without operators that are only for training';
const SAMPLED = 'it reads each element from its own position: use Resize, or Gather by constant positions';

/** What to do about operators that cannot be run. */
const REMEDIES: Record<string, string> = {
  ...named('Swish Elu Selu Celu Gelu Mish Tanh Softplus Softsign Exp', SMOOTH),
  Sigmoid: SIGMOID,
  Erf: GELU,
  ...named('If Loop Scan NonZero', DYNAMIC),
  ...named('Where Greater GreaterOrEqual Less LessOrEqual Equal Not And Or Xor Sign', COMPARISON),
  ...named('LSTM GRU RNN Attention', SEQUENCE),
  ...named(
    'LayerNormalization InstanceNormalization GroupNormalization RMSNormalization SimplifiedLayerNormalization LRN MeanVarianceNormalization LpNormalization',
    NORM,
  ),
  ...named('Sqrt Reciprocal Log ReduceL2 ReduceLogSumExp LpPool GlobalLpPool', ROOT),
  ...named(
    'QuantizeLinear DequantizeLinear DynamicQuantizeLinear QLinearConv QLinearMatMul ConvInteger MatMulInteger Round Floor Ceil Mod',
    QUANTIZED,
  ),
  ...named('TopK ArgMax ArgMin Hardmax NonMaxSuppression Unique', CHOSEN),
  ...named('RandomNormal RandomNormalLike RandomUniform RandomUniformLike Bernoulli Multinomial', RANDOM),
  ...named('GridSample RoiAlign MaxRoiPool AffineGrid DeformConv MaxUnpool GatherElements', SAMPLED),
  ...named(
    'Softmax LogSoftmax',
    'only the output may go through a Softmax, and the client computes that one: export the model up to what this reads; in attention, put convolutions in its place and train again',
  ),
};

/** Returns the error for a node whose operator is not in the table. */
export function refusal({ type }: OnnxNode): SphynxError {
  const remedy = Object.hasOwn(REMEDIES, type)
    ? REMEDIES[type]
    : type.includes('.')
      ? `${type.slice(0, type.lastIndexOf('.'))} is not a supported set of operators: export with those of ONNX itself, and give the scaling of the input as --mean and --std`
      : 'export with the operators of docs/import.md';
  return new SphynxError('model/unsupported', `this operator is not supported; ${remedy}`);
}

function named(types: string, remedy: string): Record<string, string> {
  return Object.fromEntries(types.split(' ').map((type) => [type, remedy]));
}
