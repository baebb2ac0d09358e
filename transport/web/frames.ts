/** Frames of a call over WebSocket (proto/sphynx/v1/web_socket.proto): one byte that says what follows, and what follows. */
import { encode, type MessageType } from './protobuf.ts';

/** Agreed on in the WebSocket's handshake. */
export const SUBPROTOCOL = 'sphynx.v1';

export const FRAME = { header: 0, message: 1, end: 2, status: 3 } as const;

/** A frame with a message in it. */
export function frame(
  kind: (typeof FRAME)[keyof typeof FRAME],
  type: MessageType,
  message: object,
): Uint8Array<ArrayBuffer> {
  const bytes = encode(type, message, 1);
  bytes[0] = kind;
  return bytes;
}
