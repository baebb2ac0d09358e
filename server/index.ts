/**
 * The server as a library: `import { startServer } from 'sphynx-pi/server'`.
 *
 * @module
 */

export { SphynxError, type SphynxErrorCode } from '../errors/sphynx-error.ts';
export type { ModelCard } from '../model/card.ts';
export type { FixedNetwork, LayerWeights } from '../model/network.ts';
export type { Output } from '../model/output.ts';
export type { LabelEncoding } from '../protocol/label-encoding.ts';
export type { ModelSummary } from '../transport/messages.ts';
export type { AccessOptions } from './identity/access.ts';
export type { IdentityOptions } from './identity/identification.ts';
export type { JwtAlgorithm, JwtOptions } from './identity/jwt.ts';
export type { TlsFiles } from './identity/tls-credentials.ts';
export { DEFAULT_LIMITS, type ServerLimits } from './limits.ts';
export type { ModelEntry, ModelSource } from './models.ts';
export type { ServerOptions } from './options.ts';
export { type RunningServer, startServer } from './start-server.ts';
export type { StoreOptions } from './store/open-store.ts';
export type { RedisOptions } from './store/redis-connection.ts';
export { PAGE_FOLDER } from './web/page.ts';
export type { WebOptions } from './web/serve-web-sockets.ts';
