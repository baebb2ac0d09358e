/** The client in a Web Worker: the same code as in Node, on the browser's side of its edges. */
import type { Client } from '../client/client.ts';
import { connect } from '../client/connect.ts';
import type { SegmentListener } from '../client/observed-channel.ts';
import type { PrepareProgress } from '../client/prepare.ts';
import { asSphynxError, SphynxError } from '../errors/sphynx-error.ts';
import { holdKernelBinary } from '../kernels/binary.browser.ts';
import type { FromWorker, RequestName, Requests, ToWorker } from './messages.ts';

let client: Client | undefined;
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
    const kernels = await fetch(new URL('./kernels.wasm', import.meta.url));
    if (!kernels.ok) throw new SphynxError('kernels/missing', 'kernels.wasm is not beside the worker');
    holdKernelBinary(new Uint8Array(await kernels.arrayBuffer()));
    client = await connect(address, { ...options, signal });
    return undefined;
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
  if (data.type === 'request') answer(data.id, data.name, data.with);
  else running.get(data.id)?.abort();
});
