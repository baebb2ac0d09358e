/** The server as a library: `import { startServer } from 'sphynx-pi/server'`. */
export { DEFAULT_LIMITS, type ServerLimits } from './limits.ts';
export type { TlsFiles } from './listen.ts';
export { type RunningServer, type ServerOptions, startServer } from './start-server.ts';
