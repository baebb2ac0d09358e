import { MAX_LAYERS } from '../model/limits.ts';
import { neighbours } from './neighbours.ts';
import type { OnnxGraph } from './onnx-graph.ts';
import type { OnnxNode } from './onnx-node.ts';

/**
 * Nondecreasing activations commute with maxima, so a MaxPool that is the only reader of one is moved before it: the
 * activation then has an element per window instead of one per position. Pools with pads or incomplete windows stay
 * where they are: after an activation zeros beyond the border are below nothing, and without it the convolution before
 * would have to become a layer of its own.
 */
export function poolFirst(graph: OnnxGraph): OnnxGraph {
  const nodes = [...graph.nodes];
  // Every pool takes a layer: such a network is refused later, so it need not be rewritten.
  if (nodes.filter(({ type }) => type === 'MaxPool').length > MAX_LAYERS) return graph;
  const positions = new Map(nodes.map((node, i) => [node, i]));
  const { makers, onlyReaders } = neighbours(graph);
  for (const [i, pool] of graph.nodes.entries()) {
    if (pool.type !== 'MaxPool' || mayPad(pool) || pool.outputs.length > 1) continue;
    const activation = makers.get(pool.inputs[0]);
    const position = activation && positions.get(activation);
    if (position === undefined || !neverDecreases(activation!)) continue;
    if (onlyReaders.get(pool.inputs[0]) !== pool) continue;
    const [source, ...parameters] = activation!.inputs;
    const [between] = activation!.outputs;
    nodes[position] = pool.rewired([source], [between]);
    nodes[i] = activation!.rewired([between, ...parameters], pool.outputs);
    positions.set(nodes[i], i);
    makers.set(pool.outputs[0], nodes[i]);
  }
  return { ...graph, nodes };
}

function mayPad(pool: OnnxNode): boolean {
  const pads = pool.integers('pads', [], null);
  const partial = pool.integer('ceil_mode', 0) !== 0;
  return partial || pads.some((pad) => pad !== 0) || pool.text('auto_pad', 'NOTSET').startsWith('SAME');
}

function neverDecreases(node: OnnxNode): boolean {
  return (
    ['Relu', 'Clip'].includes(node.type) || (node.type === 'LeakyRelu' && node.float('alpha', 0.01) >= 0)
  );
}
