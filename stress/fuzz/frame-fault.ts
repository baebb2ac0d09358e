import { FRAME, frame } from '../../transport/web/frames.ts';
import { CALL_HEADER } from '../../transport/web/schema.ts';

/**
 * Faults of a message's frame over WebSocket. The last two concern a client's header before its first message; from a
 * server they mean a broken status, and a broken connection.
 */
export const FRAME_FAULTS = [
  'text',
  'unknown kind',
  'second header',
  'status',
  'empty',
  'end with content',
  'no header',
  'broken header',
] as const;

/** A fault, and the number of the affected message. */
export interface FrameFault {
  readonly what: (typeof FRAME_FAULTS)[number];
  readonly place: number;
}

/** Returns the bytes that replace a message's frame. */
export function faulty(what: FrameFault['what'], message: Buffer): Uint8Array | string {
  switch (what) {
    case 'text':
      return message.toString('base64');
    case 'unknown kind':
      return message.fill(255, 0, 1);
    case 'second header':
      return frame(FRAME.header, CALL_HEADER, { client: '', authorization: '' });
    case 'status':
      return message.fill(FRAME.status, 0, 1);
    case 'empty':
      return Buffer.alloc(0);
    case 'end with content':
      return Buffer.of(FRAME.end, 0);
    default:
      return message;
  }
}
