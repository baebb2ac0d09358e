import { SphynxError } from '../errors/sphynx-error.ts';
import { owned, release } from '../kernels/release.ts';
import type { Channel } from '../protocol/channel.ts';
import { SEGMENT_BYTES, SEGMENT_KINDS, type Segment } from '../protocol/segment.ts';
import type { CallStream } from './call-stream.ts';
import type { OneOf, SegmentMessage, WireSegment } from './messages.ts';

/** The segments of a call, over gRPC or WebSocket, as the Channel that the protocol's roles are written against. */
export class StreamChannel<Incoming extends SegmentMessage, Outgoing extends SegmentMessage>
  implements Channel
{
  readonly #stream: CallStream<Incoming, Outgoing>;

  constructor(stream: CallStream<Incoming, Outgoing>) {
    this.#stream = stream;
  }

  async send(segment: Segment): Promise<void> {
    await this.#stream.send({ segment: encodeSegment(segment) } as OneOf<Outgoing>);
    release(segment.data);
  }

  async receive(): Promise<Segment> {
    return decodeSegment(await this.#stream.expect('segment'));
  }
}

/** A segment as those see it who only read it. */
type SegmentView = Omit<Segment, 'data'> & { readonly data: Uint8Array };

/** Throws 'protocol/length' if the data is empty or longer than a segment may be. */
export function encodeSegment({ kind, layer, offset, data }: SegmentView): WireSegment {
  checkLength(data);
  return { kind: SEGMENT_KINDS.indexOf(kind) + 1, layer, offset, data };
}

/** Decodes and validates a peer's segment. The role checks whether it is the expected one. */
export function decodeSegment({ kind, layer, offset, data }: WireSegment): Segment {
  // Enumerations arrive as numbers; values that this version does not know are not in the list.
  const name = SEGMENT_KINDS[kind - 1];
  if (name === undefined) throw new SphynxError('protocol/order', `unknown kind of segment: ${Number(kind)}`);
  if (!Number.isSafeInteger(offset) || offset < 0)
    throw new SphynxError('protocol/length', 'the offset of a segment is out of range');
  checkLength(data);
  // gRPC gives a Buffer, whose slice() does not copy as a Uint8Array's does; code above this should never receive one.
  const bytes = new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
  return { kind: name, layer, offset, data: owned(bytes) };
}

function checkLength(data: Uint8Array): void {
  if (data.length < 1 || data.length > SEGMENT_BYTES)
    throw new SphynxError(
      'protocol/length',
      `a segment holds 1 to ${SEGMENT_BYTES} bytes, this one ${data.length}`,
    );
}
