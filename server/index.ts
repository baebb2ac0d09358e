/** The server as a library: `import { startServer } from 'sphynx-pi/server'`. */

export type { IdentityOptions } from './identity/identification.ts';
export type { TlsFiles } from './identity/tls-credentials.ts';
export { DEFAULT_LIMITS, type ServerLimits } from './limits.ts';
export { type RunningServer, type ServerOptions, startServer } from './start-server.ts';
