import type { Classification, Client } from '../client/index.ts';
import { asSphynxError } from '../errors/sphynx-error.ts';
import type { Context } from './command.ts';
import { failureOf, type Output } from './output.ts';
import { PrepareReport } from './progress.ts';
import { describeScores } from './scores.ts';
import { type ConnectionOptions, withClient } from './server-connection.ts';
import { bytes, counted, duration } from './units.ts';
import { type NamedInput, readInputs } from './values/read-inputs.ts';

export interface ClassifyCommandOptions extends ConnectionOptions {
  readonly model?: string;
  /** Entries to show; the model's head has a default. */
  readonly top?: number;
  /** If false, uses only bundles that are ready. */
  readonly prepare: boolean;
}

/** One input's outcome in the JSON result. */
type ImageResult =
  | ({ readonly name: string } & Omit<Classification, 'model'>)
  | { readonly name: string; readonly error: ReturnType<typeof failureOf> };

/**
 * `sphynx classify FILE...`: classifies each picture, or each input of numbers in the files, privately. A failure does
 * not affect the other inputs, but the command then fails at the end. Missing bundles are prepared first, in one
 * session.
 */
export async function classify(
  { output, signal }: Context,
  files: readonly string[],
  options: ClassifyCommandOptions,
): Promise<boolean> {
  const work = async (client: Client) => {
    const card = await client.modelCard(options.model, { signal });
    const { name: model } = card;
    const inputs = await readInputs(files, card);
    const readable = inputs.filter((input) => 'input' in input).length;
    if (options.prepare) await prepareMissing(client, model, readable, output, signal);
    const outcomes = await client.classifyAll(
      inputs.flatMap((named) => ('input' in named ? [named.input] : [])),
      { model, topK: options.top, prepare: options.prepare, signal },
    );
    const results = inputs.map((named) => resultOf(named, () => outcomes.shift()));
    for (const result of results)
      if ('error' in result) output.note(`sphynx: ${result.error.code}: ${result.error.message}`);
    const text = results.flatMap((result) => ('error' in result ? [] : describe(result))).join('\n');
    output.result({ server: options.server, model, images: results }, text);
    return results.every((result) => !('error' in result));
  };
  return withClient(options, signal, work, { warmUp: true });
}

async function prepareMissing(
  client: Client,
  model: string,
  needed: number,
  output: Output,
  signal: AbortSignal,
): Promise<void> {
  await client.dropExpired();
  const count = needed - (await client.bundles({ model, signal })).length;
  if (count <= 0) return;
  output.note(
    `${counted(count, 'bundle')} more needed: preparing (\`sphynx prepare\` does it ahead of time)`,
  );
  const report = new PrepareReport(output);
  await client.prepare({ model, count, onProgress: report.update, signal }).finally(() => report.stop());
}

/** @param next returns the outcome of the next readable input. Throws 'aborted' */
function resultOf(
  named: NamedInput,
  next: () => PromiseSettledResult<Classification> | undefined,
): ImageResult {
  const { name } = named;
  if ('failure' in named) return { name, error: failureOf(named.failure) };
  const outcome = next();
  if (outcome?.status === 'fulfilled') {
    const { model: _, ...result } = outcome.value;
    return { name, ...result };
  }
  const failure = asSphynxError(outcome?.reason);
  if (failure.code === 'aborted') throw failure;
  return { name, error: failureOf(failure) };
}

function describe(result: Exclude<ImageResult, { error: unknown }>): string {
  const { timings, bytes: moved, rounds } = result;
  const classes = describeScores(result.head, result.top);
  const offline = `offline ${duration(timings.offlineMs)}, ${bytes(moved.offline.up + moved.offline.down)}`;
  const online = `online ${duration(timings.onlineMs)}, ${bytes(moved.online.up + moved.online.down)}, ${rounds} rounds`;
  return [result.name, ...classes, `  (${offline}; ${online})`].join('\n');
}
