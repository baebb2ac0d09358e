import { type Composition, compose } from './compose.ts';
import { costOf } from './layer-cost.ts';
import type { OnnxGraph } from './onnx-graph.ts';
import type { OnnxNode } from './onnx-node.ts';

/** Number of values that are tried in place of a necessary cut: those on the path to it, nearest first. */
const MOST_ALTERNATIVES = 24;

/** Share of the cost that a change must save: smaller gains are not worth the search. */
const LEAST_GAIN = 3e-4;

/**
 * Limit on the steps of all tries together, so that no file takes long: a few seconds, and half a minute for networks
 * of a hundred interconnected layers, for which it pays off. A try takes steps for every node, and for merging layers
 * the cube of their number.
 */
const MOST_STEPS = 5_000_000;

/**
 * Searches for the cheapest way to run a graph. If two operators do not compose, the composer cuts right before the
 * second. Cuts elsewhere may have fewer elements, serve several such places, or share the round trip of another layer,
 * and a value with many readers may be cheaper as a separate tensor. So cuts are moved, added and removed one by one as
 * long as the total cost falls (`costOf`).
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

/**
 * Returns values whose cut might reduce the cost: those that several nodes read, and those on the path to necessary
 * cuts.
 */
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
