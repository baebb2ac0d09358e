import { pino } from 'pino';
import { stringify } from 'yaml';
import { shown } from '../server/config/layers.ts';
import { SCHEMA } from '../server/config/schema.ts';
import { serverOptions } from '../server/config/server-options.ts';
import { Access } from '../server/identity/access.ts';
import type { Context } from './command.ts';
import { serveConfig } from './serve.ts';

/**
 * `sphynx config check FILE`: prints the configuration that `sphynx serve --config FILE` would run with here, defaults
 * and environment included. It names files and holds no secret. Certificates, tokens and keys are read as at a start,
 * and an address that lets strangers in is refused; models and state folder are not looked at.
 */
export async function checkConfig({ output }: Context, file: string): Promise<undefined> {
  const config = serveConfig({ config: file });
  new Access(serverOptions(config), pino({ level: 'silent' }));
  const visible = shown(SCHEMA, config);
  output.result(visible, stringify(visible).trimEnd());
}
