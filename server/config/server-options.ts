import type { JwtOptions } from '../identity/jwt.ts';
import type { TlsFiles } from '../identity/tls-credentials.ts';
import type { ServerOptions } from '../options.ts';
import { PAGE_FOLDER } from '../web/page.ts';
import type { EffectiveConfig } from './load-config.ts';

/** Converts a configuration to the options of `startServer`. `loadConfig` has ensured that sections are complete. */
export function serverOptions(
  config: EffectiveConfig & { readonly models: ServerOptions['models']; readonly state: string },
): Omit<ServerOptions, 'logger'> {
  const { tls, identity, store = {}, web } = config;
  return {
    address: config.listen,
    models: config.models,
    stateFolder: config.state,
    redis: store.redis === undefined ? undefined : { url: store.redis, replicas: store.redisReplicas },
    storeKeys: store.keys,
    tls: tls && (tls as TlsFiles),
    insecure: config.insecure,
    identity: { ...identity, jwt: identity.jwt && (identity.jwt as JwtOptions) },
    setting: config.setting,
    output: config.output,
    limits: config.limits,
    web:
      web?.listen === undefined
        ? undefined
        : { address: web.listen, origins: web.origins, page: web.page ? PAGE_FOLDER : undefined },
    metrics: config.metrics,
    reflection: config.reflection,
  };
}
