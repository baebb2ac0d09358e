import { statSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { SphynxError } from '../../errors/sphynx-error.ts';
import { type ImportedGraph, importGraph } from '../../importer/import-onnx.ts';
import { loadFloat, MODEL_FILE } from '../../importer/load.ts';
import type { ModelFacts } from '../../model/fixed-point/quantize.ts';
import { type FactsOptions, factsOf } from './facts.ts';
import { besideModel, readModelFile } from './model-file.ts';

/** The source of an import: an ONNX file, or a trainer's folder with `model.onnx` and `manifest.json`. */
export interface ModelSource {
  readonly onnx: Uint8Array;
  readonly graph: ImportedGraph;
  /**
   * Returns the facts of the network, with the names of a data set's classes if nothing else names them. Throws
   * 'config/invalid'.
   */
  facts(dataClasses: readonly string[] | null): Promise<ModelFacts>;
  /** The trainer's folder; null for a file. */
  readonly folder: string | null;
}

export interface SourceOptions extends FactsOptions {
  /** The output that holds the logits, if the file has several. */
  readonly output?: string;
}

/** Options that a trainer's folder defines itself. */
const SAID_BY_MANIFEST = ['name', 'labels', 'mean', 'std', 'input', 'head', 'output'] as const;

/** Reads the file or folder. Throws 'config/invalid' if it cannot be read, 'model/format' and 'model/unsupported'. */
export async function openModel(path: string, options: SourceOptions): Promise<ModelSource> {
  if (!statSync(path, { throwIfNoEntry: false })?.isDirectory()) {
    const onnx = await readModelFile(path);
    const graph = await importGraph(onnx, {
      output: options.output,
      inputKind: options.input,
      readExternal: besideModel(path),
    });
    return { onnx, graph, folder: null, facts: (classes) => factsOf(path, graph, options, classes) };
  }
  const needless = SAID_BY_MANIFEST.find((name) => options[name] !== undefined);
  if (needless)
    throw new SphynxError(
      'config/invalid',
      `--${needless}: the manifest of ${path} defines it; change it there, or import ${join(path, MODEL_FILE)}`,
    );
  const { onnx, facts } = await loadFloat(path);
  const graph = await importGraph(onnx, { inputKind: facts.inputKind });
  return { onnx, graph, folder: resolve(path), facts: async () => facts };
}
