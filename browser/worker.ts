/** The client in a Web Worker: the same code as in Node, with the implementations for browsers. */
import { isDurable } from '../client/browser/bundle-files.ts';
import type { Client } from '../client/client.ts';
import { connect } from '../client/connect.ts';
import { SphynxError } from '../errors/sphynx-error.ts';
import { holdKernelBinary } from '../kernels/browser/binary.ts';
import kernels from '../kernels/build/kernels.wasm';
import { answering, type ToWorker } from '../platform/calls.ts';
import type { WorkerCalls } from './worker-calls.ts';

let client: Client | undefined;
/** The current bearer token, if the page provides one. */
let token: string | undefined;

const answer = answering<WorkerCalls>(
  {
    ping: () => {},
    token: (renewed) => {
      token = renewed;
    },
    async connect({ address, ...options }, { signal }) {
      holdKernelBinary(kernels);
      const renewed = token === undefined ? {} : { token: () => token as string };
      client = await connect(address, { ...options, ...renewed, signal });
      await client.dropExpired();
      // A visitor cannot delete what the server has removed, and need not wait for it.
      client.dropRemoved().catch(() => {});
      return { durable: await isDurable() };
    },
    models: (_, { signal }) => connected().models({ signal }),
    modelCard: ({ model }, { signal }) => connected().modelCard(model, { signal }),
    async prepare(given, { signal, tell }) {
      await connected().dropExpired();
      return connected().prepare({ ...given, signal, onProgress: tell });
    },
    classify: ({ input, watched, ...given }, { signal, tell }) =>
      connected().classify(input, { ...given, signal, onSegment: watched ? tell : undefined }),
    async bundles({ model }, { signal }) {
      const bundles = await connected().bundles({ model, signal });
      return bundles.filter(({ expiresAt }) => expiresAt > Date.now());
    },
    setAsideBundles: () => connected().setAsideBundles(),
    confirmBundles: () => connected().confirmBundles(),
    clear: () => connected().dropAll(),
  },
  (message) => postMessage(message),
);
addEventListener('message', ({ data }: MessageEvent<ToWorker<WorkerCalls>>) => answer(data));

function connected(): Client {
  if (!client) throw new SphynxError('internal', 'connect first');
  return client;
}
