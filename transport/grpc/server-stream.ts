import { CallStream, type CallStreamOptions } from '../call-stream.ts';
import type { ServerTransport } from '../call-transport.ts';
import { toStatus } from './to-status.ts';

/** The server's end of a gRPC call, or of one over WebSocket, as a stream. `abort` ends the call with the error's status. */
export function serverStream<In, Out>(
  call: ServerTransport<In, Out>,
  options?: CallStreamOptions,
): CallStream<In, Out> {
  return CallStream.ofServer(call, (error) => call.emit('error', toStatus(error)), options);
}
