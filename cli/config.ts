import { stringify } from 'yaml';
import { stderrLogger } from '../server/call-log.ts';
import { shown } from '../server/config/layers.ts';
import { SCHEMA } from '../server/config/schema.ts';
import { serverOptions } from '../server/config/server-options.ts';
import { Access } from '../server/identity/access.ts';
import { warnOfStrangers } from '../server/identity/strangers.ts';
import { placeOf } from '../server/metrics/serve-metrics.ts';
import { ModelRegistry } from '../server/models.ts';
import { givenKeys } from '../server/store/open-store.ts';
import { checkOrigins } from '../server/web/origins.ts';
import type { Context } from './command.ts';
import { type ServeOptions, serveConfig } from './serve.ts';

/**
 * `sphynx config check FILE`: prints the effective configuration of `sphynx serve --config FILE`, including defaults,
 * environment and `--set`. The output names files and contains no secret. Certificates, tokens, keys and models are
 * read as at a start. An address that is open to strangers is refused, and logits for strangers cause a warning. The
 * state folder and Redis are not accessed.
 */
export async function checkConfig(
  { output }: Context,
  file: string,
  { set }: Pick<ServeOptions, 'set'>,
): Promise<undefined> {
  const config = serveConfig({ config: file, set });
  const options = serverOptions(config);
  const logger = stderrLogger('warn', true);
  new Access(options, logger);
  if (options.web) {
    new Access({ ...options, address: options.web.address }, logger);
    checkOrigins(options.web.origins ?? []);
  }
  givenKeys(options);
  if (options.metrics !== undefined) placeOf(options.metrics);
  warnOfStrangers(options, await ModelRegistry.load(options.models, options), logger);
  const visible = shown(SCHEMA, config);
  output.result(visible, stringify(visible).trimEnd());
}
