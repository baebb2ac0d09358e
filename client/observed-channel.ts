import type { Channel } from '../protocol/channel.ts';
import type { Segment, SegmentKind } from '../protocol/segment.ts';

/** One piece of a conversation that has passed. Nothing in it is secret: it is what the server sees, or has said. */
export interface PassedSegment {
  /** By the client. */
  readonly direction: 'sent' | 'received';
  /** What it is a piece of. */
  readonly kind: SegmentKind;
  /** Number of the layer that it belongs to. */
  readonly layer: number;
  /** Where the piece stands in its tensor (bytes). */
  readonly offset: number;
  /** Length of the piece. */
  readonly bytes: number;
  /** Since the conversation began (ms). */
  readonly at: number;
  /** A copy of what was sent; nothing of what was received. */
  readonly data?: Uint8Array;
}

/** Called for every segment, in the middle of the conversation; must be quick. */
export type SegmentListener = (segment: PassedSegment) => void;

/** Tells `listen` what passes. `start`: when the conversation began, by `performance.now()`. */
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
    // Before it is sent, for it belongs to the channel then.
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
