import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { constants, type ServerHttp2Session, type ServerHttp2Stream } from 'node:http2';
import { SERVICE_NAME } from '../transport/grpc/proto.ts';
import { FLOW_CONTROL_BYTES } from '../transport/limits.ts';

const STREAM_CREATED = 'http2.server.stream.created';

interface StreamCreated {
  readonly stream: ServerHttp2Stream;
  readonly headers: { readonly ':path'?: string };
}

/**
 * Two things that gRPC for Node has no option for on servers; Node announces every HTTP/2 stream, and those of
 * `port` are ours:
 *
 * - Receive windows: the default of 64 KiB would hold an upload at one window per round trip, 1.3 MB/s at 50 ms.
 * - Dead streams: a status waits behind data that the peer does not read, so the stream and its buffers of a
 *   call that we gave up would live as long as the connection. After `silentMs()` without progress it is reset.
 *
 * @returns a function that stops listening
 */
export function tendHttp2Streams(port: number, silentMs: () => number): () => void {
  const widened = new WeakSet<ServerHttp2Session>();
  const tend = (message: unknown) => {
    const { stream, headers } = message as StreamCreated;
    const session = stream.session as ServerHttp2Session | undefined;
    if (!session || session.destroyed || session.socket.localPort !== port) return;
    if (!widened.has(session)) {
      widened.add(session);
      session.setLocalWindowSize(FLOW_CONTROL_BYTES);
      session.settings({ initialWindowSize: FLOW_CONTROL_BYTES });
    }
    // Not those of the health service, whose watchers are silent for days.
    if (headers[':path']?.startsWith(`/${SERVICE_NAME}/`))
      stream.setTimeout(silentMs(), () => stream.close(constants.NGHTTP2_CANCEL));
  };
  subscribe(STREAM_CREATED, tend);
  return () => unsubscribe(STREAM_CREATED, tend);
}
