import type { Channel } from '../protocol/channel.ts';
import type { Segment, SegmentKind } from '../protocol/segment.ts';

/** One segment of a conversation. Nothing in it is secret: it is what the server receives or has sent. */
export interface PassedSegment {
  /** Direction, as seen by the client. */
  readonly direction: 'sent' | 'received';
  /** Kind of the tensor that it belongs to. */
  readonly kind: SegmentKind;
  /** Number of the layer that it belongs to. */
  readonly layer: number;
  /** Offset of the piece in its tensor (bytes). */
  readonly offset: number;
  /** Length of the piece. */
  readonly bytes: number;
  /** Time since the conversation began (ms). */
  readonly at: number;
  /** A copy of the data of a sent segment; absent for received ones. */
  readonly data?: Uint8Array;
}

/** Called for every segment, during the conversation; must return quickly. */
export type SegmentListener = (segment: PassedSegment) => void;

/** Reports every segment to `listen`. `start`: when the conversation began, by `performance.now()`. */
export class ObservedChannel implements Channel {
  readonly #channel: Channel;
  readonly #start: number;
  readonly #listen: SegmentListener;

  constructor(channel: Channel, start: number, listen: SegmentListener) {
    this.#channel = channel;
    this.#start = start;
    this.#listen = listen;
  }

  async send(segment: Segment): Promise<void> {
    // Copied before it is sent, because the channel then owns it.
    this.#tell('sent', segment, segment.data.slice());
    await this.#channel.send(segment);
  }

  async receive(): Promise<Segment> {
    const segment = await this.#channel.receive();
    this.#tell('received', segment);
    return segment;
  }

  #tell(direction: PassedSegment['direction'], segment: Segment, data?: Uint8Array): void {
    const { kind, layer, offset } = segment;
    const at = performance.now() - this.#start;
    this.#listen({ direction, kind, layer, offset, bytes: segment.data.length, at, data });
  }
}
