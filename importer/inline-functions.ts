import type onnxProto from 'onnx-proto';
import { SphynxError } from '../errors/sphynx-error.ts';
import { formatError } from './onnx-constant.ts';
import { renamedNode, withGraphs } from './rename-values.ts';

type Graph = onnxProto.onnx.IGraphProto;
type Node = onnxProto.onnx.INodeProto;
type Attribute = onnxProto.onnx.IAttributeProto;
/** Attributes of a call by name; null for optional ones that are missing. */
type Given = ReadonlyMap<string, Attribute | null>;
type Function = onnxProto.onnx.IFunctionProto;

/** Deepest nesting of calls: functions may call one another, and files may be hostile. */
const MOST_DEPTH = 16;
/** Most values that the nodes of functions name, per node: each name is copied for each call. */
const MOST_NAMES = 50;

/**
 * Inlines the functions in a file (onnx/docs/IR.md), which exporters write for modules or custom operators. Throws
 * 'model/format' if they are recursive, or expand to more than `most` nodes.
 */
export function inlineFunctions(model: onnxProto.onnx.IModelProto, most: number): void {
  const functions = new Map((model.functions ?? []).map((own) => [keyOf(own.domain, own.name), own]));
  if (functions.size === 0 || !model.graph) return;
  let [count, names] = [0, 0];
  const expanded = (nodes: readonly Node[], depth: number): Node[] => {
    if (depth > MOST_DEPTH) throw formatError(`functions call one another more than ${MOST_DEPTH} deep`);
    return nodes.flatMap((node) => {
      // Calls count too: functions without nodes of their own could call one another without end.
      if (++count > most) throw formatError(`the file's functions make more than ${most} nodes`);
      const called = functions.get(keyOf(node.domain, node.opType));
      names += namesIn(node) + (called ? namesIn(called) : 0);
      if (names > MOST_NAMES * most)
        throw formatError(`the file's functions name more than ${MOST_NAMES * most} values`);
      if (called) return expanded(bodyOf(called, node, count), depth + 1);
      const inner = (graph: Graph): Graph => ({ ...graph, node: expanded(graph.node ?? [], depth) });
      return [{ ...node, attribute: (node.attribute ?? []).map((own) => withGraphs(own, inner)) }];
    });
  };
  model.graph.node = expanded(model.graph.node ?? [], 0);
  model.functions = [];
}

function keyOf(domain: string | null | undefined, name: string | null | undefined): string {
  return `${domain === 'ai.onnx' ? '' : (domain ?? '')}\0${name ?? ''}`;
}

/** How many values and attributes a node or a function names, with the values of graphs in its attributes. */
function namesIn({ input, output, attribute }: Node | Function): number {
  const listed = (...lists: (readonly unknown[] | null | undefined)[]) =>
    lists.reduce((sum, list) => sum + (list?.length ?? 0), 0);
  const graphs = (attribute ?? []).flatMap((own) =>
    // Those of a function are names alone.
    typeof own === 'string' ? [] : [...(own.g ? [own.g] : []), ...(own.graphs ?? [])],
  );
  const inside = graphs.map((graph) => listed(graph.input, graph.output, graph.initializer));
  return inside.reduce((sum, count) => sum + count, listed(input, output, attribute));
}

/** The nodes of a function with the values and attributes of one call of it. */
function bodyOf(called: Function, call: Node, number: number): Node[] {
  const label = call.name || call.output?.[0] || '';
  const names = new Map<string, string>();
  (called.input ?? []).forEach((name, i) => {
    names.set(name, call.input?.[i] ?? '');
  });
  const identities: Node[] = [];
  (called.output ?? []).forEach((name, i) => {
    const output = call.output?.[i] ?? '';
    if (!output) return;
    // A function may return an input, or one value twice.
    if (names.has(name)) identities.push({ opType: 'Identity', input: [names.get(name)!], output: [output] });
    else names.set(name, output);
  });
  const given = new Map<string, Attribute | null>((call.attribute ?? []).map((own) => [own.name ?? '', own]));
  for (const name of called.attribute ?? []) if (!given.has(name)) given.set(name, null);
  // These names contain a zero byte, which names in a file cannot.
  const own = (name: string) => (name === '' ? '' : (names.get(name) ?? `${label}\0${number}\0${name}`));
  const body = (called.node ?? []).map((node) => renamedNode(withGiven(node, given, label), own));
  return [...body, ...identities];
}

/** The node of a function with the attributes of one call of it. */
function withGiven(node: Node, given: Given, label: string): Node {
  const inner = (graph: Graph): Graph => ({
    ...graph,
    node: (graph.node ?? []).map((own) => withGiven(own, given, label)),
  });
  const attribute = (node.attribute ?? []).flatMap((attribute) => {
    if (!attribute.refAttrName) return [withGraphs(attribute, inner)];
    const value = given.get(attribute.refAttrName);
    if (value === undefined)
      throw new SphynxError(
        'model/unsupported',
        `the function at ${JSON.stringify(label)} has a default for ${JSON.stringify(attribute.refAttrName)}, which is not read: export the model without functions of its own, or give the value where it is called`,
      );
    return value ? [{ ...value, name: attribute.name, refAttrName: '' }] : [];
  });
  return { ...node, name: label, attribute };
}
