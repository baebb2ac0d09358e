import type { Context } from './command.ts';
import { PrepareReport } from './progress.ts';
import { type ConnectionOptions, withClient } from './server-connection.ts';
import { bytes, counted, duration } from './units.ts';

export interface PrepareCommandOptions extends ConnectionOptions {
  readonly model?: string;
  readonly count: number;
}

/** `sphynx prepare`: the offline phase, ahead of the images. */
export async function prepare(
  { output, signal }: Context,
  options: PrepareCommandOptions,
): Promise<undefined> {
  await withClient(options, signal, async (client) => {
    await client.dropExpired();
    const { name } = await client.modelCard(options.model, { signal });
    const report = new PrepareReport(output);
    const start = performance.now();
    const prepared = await client
      .prepare({ model: name, count: options.count, onProgress: report.update, signal })
      .finally(() => report.stop());
    const ms = performance.now() - start;
    const ready = (await client.bundles({ model: name, signal })).length;
    const moved = prepared.reduce((sum, { offline }) => sum + offline.up + offline.down, 0);
    output.result(
      { server: options.server, model: name, prepared, ready, ms },
      `${counted(prepared.length, 'bundle')} prepared for ${name} in ${duration(ms)} (${bytes(moved)}); ${ready} ready`,
    );
  });
}
