import { castsByType } from './cast-like.ts';
import { withoutNorms } from './norms.ts';
import type { OnnxGraph } from './onnx-graph.ts';
import { withoutSequences } from './sequences.ts';

/** Normalises the graph: replaces exporters' equivalent forms, so that nothing else has to handle them. */
export function plainForms(graph: OnnxGraph): OnnxGraph {
  return withoutNorms(castsByType(withoutSequences(graph)));
}
