/** Frames of a call over WebSocket (proto/sphynx/v1/web_socket.proto): a one-byte type, then the payload. */
import { encode, type MessageType } from './protobuf.ts';

/** Subprotocol that is negotiated in the WebSocket's handshake. */
export const SUBPROTOCOL = 'sphynx.v1';

export const FRAME = { header: 0, message: 1, end: 2, status: 3 } as const;

/** Returns a frame that contains a message. */
export function frame(
  kind: (typeof FRAME)[keyof typeof FRAME],
  type: MessageType,
  message: object,
): Uint8Array<ArrayBuffer> {
  const bytes = encode(type, message, 1);
  bytes[0] = kind;
  return bytes;
}
