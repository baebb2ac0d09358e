import { type Score, scoresOf } from '../client/scores.ts';
import { asSphynxError } from '../errors/sphynx-error.ts';
import { loadModel } from '../importer/load-model.ts';
import type { FixedNetwork } from '../model/network.ts';
import type { Context } from './command.ts';
import { logitsInTheClear } from './logits-in-the-clear.ts';
import { failureOf } from './output.ts';
import { DEFAULT_MODEL } from './package-folder.ts';
import { describeScores } from './scores.ts';
import { type NamedInput, readInputs } from './values/read-inputs.ts';

export interface PredictOptions {
  /** The model's folder. */
  readonly model?: string;
  /** Entries to show; the model's head has a default. */
  readonly top?: number;
}

type Prediction =
  | { readonly name: string; readonly top: readonly Score[]; readonly logits: Float64Array }
  | { readonly name: string; readonly error: ReturnType<typeof failureOf> };

/**
 * `sphynx predict FILE...`: computes the answers of `classify`, except for its random roundings, in the clear by the
 * integer executor. Nothing is private, and no server is needed. A failure does not affect the other inputs.
 */
export async function predict(
  { output, signal }: Context,
  files: readonly string[],
  { model = DEFAULT_MODEL, top }: PredictOptions,
): Promise<boolean> {
  const network = await loadModel(model);
  const { card } = network;
  const results: Prediction[] = [];
  for (const input of await readInputs(files, card)) {
    signal.throwIfAborted();
    const result = await predictOne(network, input, top);
    if ('error' in result) output.note(`sphynx: ${result.error.code}: ${result.error.message}`);
    results.push(result);
  }
  const text = results
    .flatMap((result) => ('error' in result ? [] : [result.name, ...describeScores(card.head, result.top)]))
    .join('\n');
  output.result({ model: card.name, images: results }, text);
  return results.every((result) => !('error' in result));
}

async function predictOne(
  network: FixedNetwork,
  named: NamedInput,
  count: number | undefined,
): Promise<Prediction> {
  const { card } = network;
  const { name } = named;
  if ('failure' in named) return { name, error: failureOf(named.failure) };
  try {
    const logits = await logitsInTheClear(network, named.input);
    return { name, top: scoresOf(card, logits, count), logits };
  } catch (error) {
    return { name, error: failureOf(asSphynxError(error)) };
  }
}
