import { ownsBuffer } from '../kernels/release.ts';
import type { WireSegment } from './messages.ts';
import { DELIMITED, encode, type MessageType, varint } from './web/protobuf.ts';
import { SEGMENT } from './web/schema.ts';

/** Messages of a call, some of which contain a segment. */
interface MaySegment {
  readonly segment?: WireSegment;
}

/**
 * As `serialize`, but frames a segment with room in front of its data (SEGMENT_HEADROOM) in place, without a copy.
 * `type`: the messages of the call.
 */
export function writing(
  serialize: (message: object) => Buffer,
  { fields: { segment: field } }: MessageType,
): (message: object) => Buffer {
  if (!field) return serialize;
  return (message) => {
    const { segment } = message as MaySegment;
    return (segment && inPlace(segment, field.id)) ?? serialize(message);
  };
}

function inPlace({ data, ...position }: WireSegment, id: number): Buffer | undefined {
  if (!ownsBuffer(data)) return undefined;
  const before = [
    ...encode(SEGMENT, position),
    (SEGMENT.fields.data.id << 3) | DELIMITED,
    ...varint(data.length),
  ];
  const header = [(id << 3) | DELIMITED, ...varint(before.length + data.length), ...before];
  const start = data.byteOffset - header.length;
  if (start < 0) return undefined;
  const message = Buffer.from(data.buffer, start, header.length + data.length);
  message.set(header);
  return message;
}
