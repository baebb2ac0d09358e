import type onnxProto from 'onnx-proto';
import { SphynxError } from '../errors/sphynx-error.ts';
import { formatError } from './onnx-constant.ts';

type Graph = onnxProto.onnx.IGraphProto;
type Node = onnxProto.onnx.INodeProto;
type Attribute = onnxProto.onnx.IAttributeProto;
/** Attributes of a call by name; null for optional ones that are missing. */
type Given = ReadonlyMap<string, Attribute | null>;
type Function = onnxProto.onnx.IFunctionProto;

/** Deepest nesting of calls: functions may call one another, and files may be hostile. */
const MOST_DEPTH = 16;

/**
 * Inlines the functions in a file (onnx/docs/IR.md), which exporters write for modules or custom operators. Throws
 * 'model/format' if they are recursive, or expand to more than `most` nodes.
 */
export function inlineFunctions(model: onnxProto.onnx.IModelProto, most: number): void {
  const functions = new Map((model.functions ?? []).map((own) => [keyOf(own.domain, own.name), own]));
  if (functions.size === 0 || !model.graph) return;
  let count = 0;
  const expanded = (nodes: readonly Node[], depth: number): Node[] => {
    if (depth > MOST_DEPTH) throw formatError(`functions call one another more than ${MOST_DEPTH} deep`);
    return nodes.flatMap((node) => {
      // Calls count too: functions without nodes of their own could call one another without end.
      if (++count > most) throw formatError(`the file's functions make more than ${most} nodes`);
      const called = functions.get(keyOf(node.domain, node.opType));
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
  return [...(called.node ?? []).map((node) => renamed(node, own, given, label)), ...identities];
}

function renamed(node: Node, own: (name: string) => string, given: Given, label: string): Node {
  const attribute = (node.attribute ?? []).flatMap((attribute) => {
    if (!attribute.refAttrName)
      return [withGraphs(attribute, (graph) => renamedGraph(graph, own, given, label))];
    const value = given.get(attribute.refAttrName);
    if (value === undefined)
      throw new SphynxError(
        'model/unsupported',
        `the function at ${JSON.stringify(label)} has a default for ${JSON.stringify(attribute.refAttrName)}, which is not read: export the model without functions of its own, or give the value where it is called`,
      );
    return value ? [{ ...value, name: attribute.name, refAttrName: '' }] : [];
  });
  return {
    ...node,
    name: label,
    input: (node.input ?? []).map(own),
    output: (node.output ?? []).map(own),
    attribute,
  };
}

function renamedGraph(graph: Graph, own: (name: string) => string, given: Given, label: string): Graph {
  const values = <T extends { name?: string | null }>(list: readonly T[] | null | undefined) =>
    (list ?? []).map((value) => ({ ...value, name: own(value.name ?? '') }));
  return {
    ...graph,
    input: values(graph.input),
    output: values(graph.output),
    initializer: values(graph.initializer),
    node: (graph.node ?? []).map((node) => renamed(node, own, given, label)),
  };
}

function withGraphs(attribute: Attribute, change: (graph: Graph) => Graph): Attribute {
  if (!attribute.g && !attribute.graphs?.length) return attribute;
  return {
    ...attribute,
    ...(attribute.g ? { g: change(attribute.g) } : {}),
    graphs: (attribute.graphs ?? []).map(change),
  };
}
