import { neighbours } from './neighbours.ts';
import type { OnnxGraph } from './onnx-graph.ts';
import type { OnnxNode } from './onnx-node.ts';

/** Padding below this value can never be the maximum: exporters write the lowest float or minus infinity. */
const LOWEST = -1e30;

/** Moves a Pad of rows and columns with minus infinity into the MaxPool that is its only reader. */
export function padPools(graph: OnnxGraph): OnnxGraph {
  const { makers, onlyReaders } = neighbours(graph);
  const replaced = new Map<OnnxNode, OnnxNode>();
  const gone = new Set<OnnxNode>();
  for (const pool of graph.nodes) {
    const pad = pool.type === 'MaxPool' ? makers.get(pool.inputs[0]) : undefined;
    if (pad?.type !== 'Pad' || onlyReaders.get(pool.inputs[0]) !== pool || pad.inputs[3]) continue;
    const filler = pad.inputs[2] ? graph.constants.get(pad.inputs[2])?.values[0] : pad.limit('value', 0);
    const pads = pad.inputs[1] ? graph.constants.get(pad.inputs[1])?.values : pad.integers('pads', [], null);
    if (!(filler !== undefined && filler < LOWEST) || !pads) continue;
    const rank = pads.length / 2 - 2;
    const own = pool.integers('pads', new Array<number>(2 * rank).fill(0), null);
    const spatial = [...pads.slice(2, 2 + rank), ...pads.slice(4 + rank)];
    const others = [...pads.slice(0, 2), ...pads.slice(2 + rank, 4 + rank)];
    const plain = pool.text('auto_pad', 'NOTSET') === 'NOTSET' || pool.text('auto_pad', '') === 'VALID';
    if (!plain || others.some((n) => n !== 0) || spatial.some((n) => n < 0) || own.length !== spatial.length)
      continue;
    const sums = spatial.map((n, i) => n + (pool.text('auto_pad', 'NOTSET') === 'VALID' ? 0 : own[i]));
    replaced.set(pool, pool.rewired([pad.inputs[0]], pool.outputs).withIntegers('pads', sums));
    gone.add(pad);
  }
  const nodes = graph.nodes.filter((node) => !gone.has(node)).map((node) => replaced.get(node) ?? node);
  return { ...graph, nodes };
}
