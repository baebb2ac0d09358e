import { type Composition, compose } from './compose.ts';
import { costOf } from './layer-cost.ts';
import type { OnnxGraph } from './onnx-graph.ts';
import type { OnnxNode } from './onnx-node.ts';

/** Values that are tried as cuts for one that had to be made: those on the way to it, nearest first. */
const MOST_ALTERNATIVES = 24;

/** Share of the cost that a change must save: smaller gains are not worth the search for them. */
const LEAST_GAIN = 3e-4;

/**
 * Steps of all tries together, so that no file keeps its reader busy for long: some seconds, and half a minute for
 * networks of a hundred layers that read each other, which pays there. A try takes steps for every node, and for
 * merging layers as many as the cube of their number.
 */
const MOST_STEPS = 5_000_000;

/**
 * The cheapest way found to run a graph. Where operators do not compose, the composer cuts right before the second;
 * cuts elsewhere may be of fewer elements, serve several such places, or ride along with a layer that is there
 * anyway, and a value that many read may be cheaper as a tensor of its own. So cuts are moved, added and taken back
 * one by one as long as the whole becomes cheaper (`costOf`).
 */
export function chooseCuts(graph: OnnxGraph): Composition {
  let best = compose(graph, new Set());
  if (best.problems.length > 0) return best;
  let wanted: ReadonlySet<string> = new Set();
  let cost = costOf(best.layers);
  let tries = Math.floor(MOST_STEPS / (4 * graph.nodes.length + best.layers.length ** 3 / 300));
  const attempt = (cuts: ReadonlySet<string>): boolean => {
    if (tries-- <= 0) return false;
    const other = compose(graph, cuts);
    const price = other.problems.length > 0 ? Number.POSITIVE_INFINITY : costOf(other.layers);
    if (price >= cost * (1 - LEAST_GAIN)) return false;
    [best, wanted, cost] = [other, cuts, price];
    return true;
  };
  for (let improved = true; improved && tries > 0; ) {
    improved = false;
    for (const name of [...wanted, ...candidates(graph, best)]) {
      const changed = wanted.has(name)
        ? new Set([...wanted].filter((other) => other !== name))
        : new Set([...wanted, name]);
      if (attempt(changed)) improved = true;
    }
  }
  return best;
}

/** Values whose cut might pay: those that several nodes read, and those on the way to values that had to be cut. */
function candidates({ nodes, outputName }: OnnxGraph, { cuts, composed }: Composition): Set<string> {
  const makers = new Map(
    nodes.flatMap((node) => node.outputs.map((name): [string, OnnxNode] => [name, node])),
  );
  const readers = new Map<string, number>();
  for (const name of nodes.flatMap(({ inputs }) => [...new Set(inputs)]))
    readers.set(name, (readers.get(name) ?? 0) + 1);
  const found = new Set<string>();
  for (const cut of cuts.keys()) {
    const way = [cut];
    for (let i = 0; i < way.length && i < MOST_ALTERNATIVES; i++) {
      if (i > 0) found.add(way[i]);
      for (const name of makers.get(way[i])?.inputs ?? [])
        if (makers.has(name) && !way.includes(name)) way.push(name);
    }
  }
  for (const name of composed) if ((readers.get(name) ?? 0) > 1) found.add(name);
  found.delete(outputName);
  return found;
}
