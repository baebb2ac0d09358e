/**
 * The client in a web page in one file: `import { connect } from 'sphynx-pi/browser/inline'`, for bundlers that leave
 * `new URL(..., import.meta.url)` alone, such as esbuild. A Content-Security-Policy needs `worker-src blob:` for it.
 */
import source from 'sphynx:worker';
import { type BrowserClient, type ConnectOptions, connect as connectTo } from './index.ts';

export * from './index.ts';

let worker: string | undefined;

/** As `connect` of 'sphynx-pi/browser', with a worker that comes with this file. */
export function connect(address: string, options: ConnectOptions = {}): Promise<BrowserClient> {
  worker ??= URL.createObjectURL(new Blob([source], { type: 'text/javascript' }));
  return connectTo(address, { worker, ...options });
}
