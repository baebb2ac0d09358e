import { once } from 'node:events';
import { join } from 'node:path';
import { pino } from 'pino';
import { defaultStateFolder } from '../client/storage.ts';
import { SphynxError } from '../errors/sphynx-error.ts';
import type { Setting } from '../protocol/setting.ts';
import { startServer } from '../server/index.ts';
import type { Context } from './command.ts';
import { DEFAULT_MODEL } from './package-folder.ts';

export interface ServeOptions {
  readonly listen: string;
  readonly model?: readonly string[];
  readonly state?: string;
  readonly tlsCert?: string;
  readonly tlsKey?: string;
  readonly insecure?: boolean;
  readonly setting: Setting;
  readonly logLevel: string;
  readonly bundlesPerClient?: number;
  /** Seconds. */
  readonly grace: number;
}

/**
 * `sphynx serve`: runs a server until SIGINT or SIGTERM, then lets running inferences finish. Says on stdout
 * when it takes calls; log lines go to stderr.
 */
export async function serve({ output, signal }: Context, options: ServeOptions): Promise<undefined> {
  const { tlsCert: certificate, tlsKey: key } = options;
  if ((certificate === undefined) !== (key === undefined))
    throw new SphynxError('config/invalid', 'TLS needs both --tls-cert and --tls-key');
  const server = await startServer({
    address: options.listen,
    models: options.model ?? [DEFAULT_MODEL],
    stateFolder: options.state ?? join(defaultStateFolder(), 'server'),
    tls: certificate !== undefined && key !== undefined ? { certificate, key } : undefined,
    insecure: options.insecure,
    setting: options.setting,
    limits: options.bundlesPerClient === undefined ? {} : { bundlesPerClient: options.bundlesPerClient },
    logger: pino({ level: options.logLevel }, pino.destination({ dest: 2, sync: true })),
  });
  const names = server.models.map(({ name }) => name);
  const address = options.listen.replace(/:\d+$/, `:${server.port}`);
  output.result(
    { address, port: server.port, models: server.models },
    `serving ${names.join(', ')} on ${address}`,
  );
  if (!signal.aborted) await once(signal, 'abort');
  if (!output.json) output.note('stopping: running inferences may finish (Ctrl-C again ends at once)');
  await server.stop({ graceMs: options.grace * 1000 });
}
