import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import type { ServerHttp2Session, ServerHttp2Stream } from 'node:http2';
import { FLOW_CONTROL_BYTES } from '../transport/limits.ts';

const STREAM_CREATED = 'http2.server.stream.created';

/**
 * Widens the HTTP/2 receive windows of every connection to `port`. gRPC for Node has an option for that on
 * clients but none on servers, where the default of 64 KiB would hold an upload at one window per round trip:
 * 1.3 MB/s at 50 ms. Node announces every stream; the first one of a connection widens it.
 *
 * @returns a function that stops listening
 */
export function widenReceiveWindows(port: number): () => void {
  const widened = new WeakSet<ServerHttp2Session>();
  const widen = (message: unknown) => {
    const session = (message as { stream: ServerHttp2Stream }).stream.session as
      | ServerHttp2Session
      | undefined;
    if (!session || session.destroyed || widened.has(session) || session.socket.localPort !== port) return;
    widened.add(session);
    session.setLocalWindowSize(FLOW_CONTROL_BYTES);
    session.settings({ initialWindowSize: FLOW_CONTROL_BYTES });
  };
  subscribe(STREAM_CREATED, widen);
  return () => unsubscribe(STREAM_CREATED, widen);
}
