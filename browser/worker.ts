/** The client in a Web Worker: the same code as in Node, on the browser's side of its edges. */

import { isDurable } from '../client/browser/bundle-files.ts';
import type { Client } from '../client/client.ts';
import { connect } from '../client/connect.ts';
import type { SegmentListener } from '../client/observed-channel.ts';
import type { PrepareProgress } from '../client/prepare.ts';
import { asSphynxError, SphynxError } from '../errors/sphynx-error.ts';
import { holdKernelBinary } from '../kernels/browser/binary.ts';
import kernels from '../kernels/build/kernels.wasm';
import type { FromWorker, RequestName, Requests, ToWorker } from './messages.ts';

let client: Client | undefined;
/** Bearer token that is valid now, where the page gives one for each call. */
let token: string | undefined;
const running = new Map<number, AbortController>();

interface Call {
  readonly signal: AbortSignal;
  readonly onProgress: (progress: PrepareProgress) => void;
  readonly onSegment: SegmentListener;
}

const ANSWERS: {
  [Name in RequestName]: (given: Requests[Name]['with'], call: Call) => Promise<Requests[Name]['gives']>;
} = {
  async connect({ address, ...options }, { signal }) {
    holdKernelBinary(kernels);
    const renewed = token === undefined ? {} : { token: () => token as string };
    client = await connect(address, { ...options, ...renewed, signal });
    return { durable: await isDurable() };
  },
  models: (_, { signal }) => connected().models({ signal }),
  modelCard: ({ model }, { signal }) => connected().modelCard(model, { signal }),
  prepare: (given, { signal, onProgress }) => connected().prepare({ ...given, signal, onProgress }),
  classify: ({ input, watched, ...given }, { signal, onSegment }) =>
    connected().classify(input, { ...given, signal, onSegment: watched ? onSegment : undefined }),
  bundles: ({ model }, { signal }) => connected().bundles({ model, signal }),
  clear: () => connected().dropAll(),
};

function connected(): Client {
  if (!client) throw new SphynxError('internal', 'connect first');
  return client;
}

function say(message: FromWorker): void {
  postMessage(message);
}

async function answer(id: number, name: RequestName, given: unknown): Promise<void> {
  const abort = new AbortController();
  running.set(id, abort);
  try {
    const result = await ANSWERS[name](given as never, {
      signal: abort.signal,
      onProgress: (progress) => say({ type: 'progress', id, progress }),
      onSegment: (segment) => say({ type: 'segment', id, segment }),
    });
    say({ type: 'result', id, result });
  } catch (error) {
    const { code, message, retryAfterMs, cause } = asSphynxError(error);
    if (code === 'internal') console.error(cause);
    say({ type: 'failure', id, code, message, retryAfterMs });
  } finally {
    running.delete(id);
  }
}

addEventListener('message', ({ data }: MessageEvent<ToWorker>) => {
  if (data.type === 'token') token = data.token;
  else if (data.type === 'request') answer(data.id, data.name, data.with);
  else running.get(data.id)?.abort();
});
