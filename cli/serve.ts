import { once } from 'node:events';
import { join } from 'node:path';
import { defaultStateFolder } from '../client/node/client-token.ts';
import type { Output } from '../model/output.ts';
import type { LabelEncoding } from '../protocol/label-encoding.ts';
import { stderrLogger } from '../server/call-log.ts';
import { changedFields, isLive } from '../server/config/changes.ts';
import { type EffectiveConfig, loadConfig } from '../server/config/load-config.ts';
import type { LOG_LEVELS } from '../server/config/schema.ts';
import { serverOptions } from '../server/config/server-options.ts';
import { startServer } from '../server/index.ts';
import type { Context } from './command.ts';
import { DEFAULT_MODEL } from './package-folder.ts';
import { DEFAULT_WEB_ADDRESS } from './server-connection.ts';

/** Options as Commander parses them; undefined options are taken from the environment or the file. */
export interface ServeOptions {
  readonly config?: string;
  readonly listen?: string;
  readonly model?: readonly string[];
  readonly state?: string;
  readonly tlsCert?: string;
  readonly tlsKey?: string;
  readonly clientCa?: string;
  readonly tokens?: string;
  readonly anonymous?: boolean;
  readonly insecure?: boolean;
  readonly setting?: LabelEncoding;
  readonly output?: Output;
  readonly logLevel?: (typeof LOG_LEVELS)[number];
  readonly bundlesPerClient?: number;
  /** Grace period (seconds). */
  readonly grace?: number;
  /** Where to serve the page; true for the configured address, or the default one. */
  readonly web?: string | true;
  /** `path=value`. */
  readonly set?: readonly string[];
}

/**
 * `sphynx serve`: runs a server until SIGINT or SIGTERM, then lets running inferences and preparations finish. SIGHUP
 * reloads certificates, tokens, keys and those fields of the configuration that can change. Prints a line on stdout
 * when it accepts calls; log lines go to stderr.
 */
export async function serve({ output, signal }: Context, options: ServeOptions): Promise<undefined> {
  const started = serveConfig(options);
  let config = started;
  const logger = stderrLogger(config.log.level, true);
  const server = await startServer({ ...serverOptions(config), logger });
  const reload = async () => {
    try {
      const wanted = serveConfig(options);
      await server.reload({ models: wanted.models, limits: wanted.limits });
      // The result of a reload is logged at every level.
      logger.level = 'info';
      const changed = [...changedFields(config, wanted)].filter(([path]) => isLive(path));
      logger.info({ changed: Object.fromEntries(changed) }, 'configuration reloaded');
      const fixed = [...changedFields(started, wanted).keys()].filter((path) => !isLive(path));
      if (fixed.length > 0) logger.warn({ fields: fixed }, 'these changed fields need a restart');
      config = wanted;
    } catch (err) {
      logger.error({ err }, 'could not reload; nothing was changed');
    }
    logger.level = config.log.level as string;
  };
  process.on('SIGHUP', reload);
  const names = server.models.map(({ name }) => name);
  const address = config.listen.replace(/:\d+$/, `:${server.port}`);
  const page = pageUrl(config, server.webPort);
  output.result(
    { address, port: server.port, models: server.models, page },
    `serving ${names.join(', ')} on ${address}${page === undefined ? '' : `; in a browser: ${page}`}`,
  );
  if (!signal.aborted) await once(signal, 'abort');
  if (!output.json)
    output.note('stopping: running inferences and preparations may finish (Ctrl-C again stops at once)');
  await server.stop({ drainMs: config.drainSeconds * 1000, graceMs: config.graceSeconds * 1000 });
  process.off('SIGHUP', reload);
}

/** Returns the URL of the page, if it is served; a server that listens on all interfaces has other names too. */
function pageUrl({ web, tls }: EffectiveConfig, port: number | undefined): string | undefined {
  if (!web?.page) return undefined;
  const host = (web.listen as string).replace(/:\d+$/, '').replace(/^(0\.0\.0\.0|\[::\])$/, 'localhost');
  return `http${tls ? 's' : ''}://${host}:${port}/`;
}

/** Returns the configuration from file, environment and options. Throws 'config/invalid'. */
export function serveConfig(options: ServeOptions) {
  const defaults = {
    models: [DEFAULT_MODEL],
    state: join(defaultStateFolder(), 'server'),
    web: options.web === undefined ? undefined : { listen: DEFAULT_WEB_ADDRESS },
  };
  const config = loadConfig({
    defaults,
    file: options.config,
    environment: process.env,
    settings: options.set,
    options: {
      listen: options.listen,
      models: options.model,
      state: options.state,
      setting: options.setting,
      output: options.output,
      insecure: options.insecure,
      graceSeconds: options.grace,
      tls: { certificate: options.tlsCert, key: options.tlsKey, clientCa: options.clientCa },
      identity: { anonymous: options.anonymous, tokens: options.tokens },
      limits: { bundlesPerClient: options.bundlesPerClient },
      web: {
        page: options.web === undefined ? undefined : true,
        listen: options.web === true ? undefined : options.web,
      },
      log: { level: options.logLevel },
    },
  });
  return { ...config, models: config.models ?? defaults.models, state: config.state ?? defaults.state };
}
