import { SphynxError } from '../../errors/sphynx-error.ts';
import type { FloatNetwork } from '../float-network.ts';
import { type AffineValue, tensorValue } from './affine.ts';
import { CHANNEL_OPERATORS } from './channel-operators.ts';
import { layersOf, type PendingLayer } from './finish-layers.ts';
import { inputsOf, type Operator } from './node-inputs.ts';
import { readOnnx } from './onnx.ts';
import { formatError } from './onnx-constant.ts';
import type { OnnxNode } from './onnx-node.ts';
import { SPATIAL_OPERATORS } from './spatial-operators.ts';

const OPERATORS = new Map<string, Operator>(Object.entries({ ...CHANNEL_OPERATORS, ...SPATIAL_OPERATORS }));

/**
 * The network in an ONNX file, every run of linear operators between two ReLUs composed into one layer.
 * Throws 'model/format' on a broken file and 'model/unsupported' with all nodes that cannot be composed.
 */
export function importOnnx(bytes: Uint8Array): FloatNetwork {
  const graph = readOnnx(bytes);
  const values = new Map([[graph.inputName, tensorValue(0, graph.input)]]);
  const layers: PendingLayer[] = [];
  const problems: string[] = [];
  const broken = new Set<string>();
  for (const node of graph.nodes) {
    if (node.inputs.some((name) => broken.has(name))) {
      for (const name of node.outputs) broken.add(name);
      continue;
    }
    for (const name of node.outputs)
      if (values.has(name) || graph.constants.has(name))
        throw formatError(`${JSON.stringify(name)} is computed twice`);
    try {
      const inputs = inputsOf(node, values, graph.constants);
      const value = node.type === 'Relu' ? relu(layers, node, inputs.value(0)) : operatorOf(node)(inputs);
      values.set(node.outputs[0], value);
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
  return { input: graph.input, layers: layersOf([...layers, { name: 'logits', value: output }]) };
}

/** The value becomes a layer, its ReLU a new secret tensor. */
function relu(layers: PendingLayer[], node: OnnxNode, value: AffineValue): AffineValue {
  layers.push({ name: node.label.slice(1, -1), value });
  return { ...tensorValue(layers.length, value.shape), flat: value.flat };
}

function operatorOf(node: OnnxNode): Operator {
  const operator = OPERATORS.get(node.type);
  if (operator) return operator;
  throw new SphynxError('model/unsupported', 'this operator is not supported');
}
