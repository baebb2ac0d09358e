/**
 * The client in a web page in one file: `import { connect } from 'sphynx-pi/browser/inline'`, for bundlers that do not
 * process `new URL(..., import.meta.url)`, such as esbuild. It needs `worker-src blob:` in a Content-Security-Policy.
 */
import source from 'sphynx:worker';
import { type BrowserClient, type ConnectOptions, connect as connectTo } from './index.ts';

export * from './index.ts';

let worker: string | undefined;

/** Like `connect` of 'sphynx-pi/browser', with the worker included in this file. */
export function connect(address: string, options: ConnectOptions = {}): Promise<BrowserClient> {
  worker ??= URL.createObjectURL(new Blob([source], { type: 'text/javascript' }));
  return connectTo(address, { worker, ...options });
}
