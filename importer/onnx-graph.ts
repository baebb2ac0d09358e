import type { InputKind } from '../model/input-kind.ts';
import type { Shape } from '../model/shape.ts';
import type { Layout } from './layout.ts';
import type { OnnxConstant } from './onnx-constant.ts';
import type { OnnxNode } from './onnx-node.ts';

/** Most nodes of a graph, with those of the functions and branches that take the place of others. */
export const MAX_NODES = 20_000;

export interface OnnxGraph {
  readonly inputName: string;
  /** Element type of the input in the file. */
  readonly inputType: number;
  /** Size of one input. */
  readonly input: Shape;
  readonly inputKind: InputKind;
  /** Whether the file takes bytes. */
  readonly bytes: boolean;
  /** The layout of the input, with the batch size for which the file was exported. */
  readonly layout: Layout;
  readonly outputName: string;
  /** All nodes on which the output depends, ordered so that every value is computed before it is read. */
  readonly nodes: readonly OnnxNode[];
  readonly constants: ReadonlyMap<string, OnnxConstant>;
  /** The version of ONNX's own operators. */
  readonly opset: number;
  /** Why constants could not be computed, by name; empty for those that only other constants read. */
  readonly failures?: ReadonlyMap<string, string>;
}
