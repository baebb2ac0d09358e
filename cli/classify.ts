import { prepareImage } from '../client/image.ts';
import type { Classification, Client } from '../client/index.ts';
import { asSphynxError } from '../errors/sphynx-error.ts';
import type { Context } from './command.ts';
import { failureOf, type Output } from './output.ts';
import { PrepareReport } from './progress.ts';
import { type ConnectionOptions, withClient } from './server-connection.ts';
import { bytes, counted, duration, percent } from './units.ts';

export interface ClassifyCommandOptions extends ConnectionOptions {
  readonly model?: string;
  readonly top: number;
  /** False: use only bundles that are ready. */
  readonly prepare: boolean;
}

/** One image's outcome in the JSON result. */
type ImageResult =
  | ({ readonly name: string } & Omit<Classification, 'model'>)
  | { readonly name: string; readonly error: ReturnType<typeof failureOf> };

/**
 * `sphynx classify IMAGE...`: classifies each image privately. One that fails does not keep the others from
 * being classified; the command fails in the end. Missing bundles are prepared first, on one session.
 */
export async function classify(
  { output, signal }: Context,
  images: readonly string[],
  options: ClassifyCommandOptions,
): Promise<boolean> {
  const work = async (client: Client) => {
    const { name: model } = await client.modelCard(options.model, { signal });
    if (options.prepare) await prepareMissing(client, model, images, output, signal);
    const results: ImageResult[] = [];
    for (const name of images) {
      const result = await classifyOne(client, model, name, options, signal);
      if ('error' in result) output.note(`sphynx: ${result.error.code}: ${result.error.message}`);
      results.push(result);
    }
    const text = results.flatMap((result) => ('error' in result ? [] : describe(result))).join('\n');
    output.result({ server: options.server, model, images: results }, text);
    return results.every((result) => !('error' in result));
  };
  return withClient(options, signal, work, { warmUp: true });
}

async function prepareMissing(
  client: Client,
  model: string,
  images: readonly string[],
  output: Output,
  signal: AbortSignal,
): Promise<void> {
  await client.dropExpired();
  const card = await client.modelCard(model, { signal });
  const readable = await Promise.all(
    images.map((image) =>
      prepareImage(image, card).then(
        () => 1,
        () => 0,
      ),
    ),
  );
  const needed = readable.reduce<number>((sum, one) => sum + one, 0);
  const count = needed - (await client.bundles({ model, signal })).length;
  if (count <= 0) return;
  output.note(
    `${counted(count, 'bundle')} more needed: preparing (\`sphynx prepare\` does it ahead of time)`,
  );
  const report = new PrepareReport(output);
  await client.prepare({ model, count, onProgress: report.update, signal }).finally(() => report.stop());
}

async function classifyOne(
  client: Client,
  model: string,
  name: string,
  { top, prepare }: ClassifyCommandOptions,
  signal: AbortSignal,
): Promise<ImageResult> {
  try {
    const { model: _, ...result } = await client.classify(name, { model, topK: top, prepare, signal });
    return { name, ...result };
  } catch (error) {
    const failure = asSphynxError(error);
    if (failure.code === 'aborted') throw error;
    return { name, error: failureOf(failure) };
  }
}

function describe(result: Exclude<ImageResult, { error: unknown }>): string {
  const { timings, bytes: moved, rounds } = result;
  const classes = result.top.map(({ label, p }) => `  ${p === null ? '' : percent(p).padStart(6)}  ${label}`);
  const offline = `offline ${duration(timings.offlineMs)}, ${bytes(moved.offline.up + moved.offline.down)}`;
  const online = `online ${duration(timings.onlineMs)}, ${bytes(moved.online.up + moved.online.down)}, ${rounds} rounds`;
  return [result.name, ...classes, `  (${offline}; ${online})`].join('\n');
}
