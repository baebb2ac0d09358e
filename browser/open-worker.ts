import type { Deadlines } from '../client/limits.ts';
import { SphynxError } from '../errors/sphynx-error.ts';
import { ClientWorker } from './client-worker.ts';

/** What a client's workers need to connect, each by itself. */
export interface WorkerSettings {
  readonly address: string;
  readonly token?: string | (() => string);
  /** URL of `worker.js`, if it is not beside this module. */
  readonly worker?: URL | string;
  readonly deadlines: Deadlines;
  /** Whether the worker rehearses inferences. */
  readonly warmUp: boolean;
}

/** Starts a worker and connects it. `durable`: whether its bundles outlive the page. */
export async function openWorker(
  { address, token, worker, deadlines, warmUp }: WorkerSettings,
  signal?: AbortSignal,
): Promise<{ worker: ClientWorker; durable: boolean }> {
  const renewed = typeof token === 'function' ? token : undefined;
  const client = new ClientWorker(start(worker), deadlines, renewed);
  try {
    const first = typeof token === 'function' ? token() : token;
    const { durable } = await client.connect({ address, token: first, deadlines, warmUp }, signal);
    return { worker: client, durable };
  } catch (error) {
    client.close();
    throw error;
  }
}

/** Throws 'config/invalid' if the browser refuses the script, as one from another origin. */
function start(worker: URL | string | undefined): Worker {
  try {
    // Bundlers recognise the worker by this exact expression.
    return worker
      ? new Worker(worker, { type: 'module' })
      : new Worker(new URL('./worker.js', import.meta.url), { type: 'module' });
  } catch (cause) {
    throw new SphynxError(
      'config/invalid',
      `the browser refuses to start the client's worker: ${(cause as Error).message}; serve worker.js from the page's own origin, or import 'sphynx-pi/browser/inline'`,
      { cause },
    );
  }
}
