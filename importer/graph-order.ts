import { formatError } from './onnx-constant.ts';
import type { OnnxNode } from './onnx-node.ts';

/** Returns the node that computes each value. Throws 'model/format' if two nodes compute the same value. */
export function makersOf(
  nodes: readonly OnnxNode[],
  given: { has(name: string): boolean },
): Map<string, OnnxNode> {
  const makers = new Map<string, OnnxNode>();
  for (const node of nodes)
    for (const name of node.outputs) {
      if (name && (makers.has(name) || given.has(name)))
        throw formatError(`${JSON.stringify(name)} is computed twice`);
      makers.set(name, node);
    }
  return makers;
}

/**
 * The nodes that the values `wanted` depend on, each after all that it reads and otherwise in the order of the file:
 * unused nodes are ignored. Throws 'model/format' if a node depends on itself.
 */
export function inOrder(
  nodes: readonly OnnxNode[],
  makers: ReadonlyMap<string, OnnxNode>,
  wanted: readonly string[],
): OnnxNode[] {
  const needed = reachable(makers, wanted);
  const done = new Set<OnnxNode>();
  const open = new Set<OnnxNode>();
  const ordered: OnnxNode[] = [];
  const stack: OnnxNode[] = [];
  for (const first of nodes) {
    if (!needed.has(first)) continue;
    stack.push(first);
    for (let node = stack.at(-1); node; node = stack.at(-1)) {
      if (done.has(node)) {
        stack.pop();
        continue;
      }
      const waiting = node.reads.map((name) => makers.get(name)).filter((maker) => maker && !done.has(maker));
      if (waiting.length === 0) {
        done.add(node);
        ordered.push(node);
        stack.pop();
      } else if (open.has(node)) throw formatError(`node ${node.label} depends on itself`);
      else {
        open.add(node);
        stack.push(...(waiting.toReversed() as OnnxNode[]));
      }
    }
  }
  return ordered;
}

function reachable(makers: ReadonlyMap<string, OnnxNode>, wanted: readonly string[]): Set<OnnxNode> {
  const needed = new Set<OnnxNode>();
  const names = [...wanted];
  for (let name = names.pop(); name !== undefined; name = names.pop()) {
    const maker = makers.get(name);
    if (!maker || needed.has(maker)) continue;
    needed.add(maker);
    names.push(...maker.reads);
  }
  return needed;
}
