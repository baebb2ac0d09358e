import { SphynxError } from '../../errors/sphynx-error.ts';
import type { FloatNetwork } from '../float-network.ts';
import { tensorValue } from './affine.ts';
import { CHANNEL_OPERATORS } from './channel-operators.ts';
import { layersOf } from './finish-layers.ts';
import { findMaskedRelus, maskFlags } from './masked-relu.ts';
import { inputsOf, type Operator } from './node-inputs.ts';
import { NONLINEAR_OPERATORS, type NonlinearOperator } from './nonlinear-operators.ts';
import { readOnnx } from './onnx.ts';
import { formatError } from './onnx-constant.ts';
import type { OnnxNode } from './onnx-node.ts';
import { PendingLayers } from './pending-layers.ts';
import { poolFirst } from './pool-first.ts';
import { SPATIAL_OPERATORS } from './spatial-operators.ts';

const OPERATORS = new Map<string, Operator>(Object.entries({ ...CHANNEL_OPERATORS, ...SPATIAL_OPERATORS }));
const NONLINEAR = new Map<string, NonlinearOperator>(Object.entries(NONLINEAR_OPERATORS));

/**
 * The network in an ONNX file, every run of linear operators between two layers of ReLUs composed into one.
 * Throws 'model/format' on a broken file and 'model/unsupported' with all nodes that cannot be composed.
 */
export function importOnnx(bytes: Uint8Array): FloatNetwork {
  const graph = poolFirst(readOnnx(bytes));
  const values = new Map([[graph.inputName, tensorValue(0, graph.input)]]);
  const layers = new PendingLayers();
  const problems: string[] = [];
  const broken = new Set<string>();
  const masked = findMaskedRelus(graph);
  const defined = new Set([graph.inputName, ...graph.constants.keys()]);
  for (const node of graph.nodes) {
    for (const name of node.outputs) {
      if (name && defined.has(name)) throw formatError(`${JSON.stringify(name)} is computed twice`);
      defined.add(name);
    }
    if (node.inputs.some((name) => broken.has(name))) {
      for (const name of node.outputs) broken.add(name);
      continue;
    }
    const mask = masked.get(node);
    if (mask && node.type !== 'Relu') continue; // its Relu stands for all
    try {
      const inputs = inputsOf(node, values, graph.constants);
      const segments = layers.endedBy(node.label.slice(1, -1));
      if (mask) {
        const value = inputs.value(0);
        values.set(mask.output, segments.end(value, maskFlags(mask, value)));
      } else {
        const nonlinear = NONLINEAR.get(node.type);
        values.set(node.outputs[0], nonlinear ? nonlinear(inputs, segments) : operatorOf(node)(inputs));
      }
    } catch (error) {
      if (!(error instanceof SphynxError && error.code === 'model/unsupported')) throw error;
      problems.push(`${node.type} ${node.label}: ${error.message}`);
      for (const name of node.outputs) broken.add(name);
    }
  }
  if (problems.length > 0)
    throw new SphynxError(
      'model/unsupported',
      `this network cannot be run privately:\n${problems.join('\n')}`,
    );
  const output = values.get(graph.outputName);
  if (!output) throw formatError('nothing computes the output');
  return {
    input: graph.input,
    layers: layersOf([...layers.found, { name: 'logits', value: output, linear: null }]),
  };
}

function operatorOf(node: OnnxNode): Operator {
  const operator = OPERATORS.get(node.type);
  if (operator) return operator;
  if (node.type === 'Mul')
    throw new SphynxError(
      'model/unsupported',
      'products are supported only as the masks of a Relu: Add(Mul(Relu(X), M), Mul(X, 1 - M)) with constants M and 1 - M',
    );
  throw new SphynxError('model/unsupported', 'this operator is not supported');
}
