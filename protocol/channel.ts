import type { Segment } from './segment.ts';

/** An ordered, reliable, two-way stream of segments. Adapters: in-process below, gRPC and worker ports in `transport/`. */
export interface Channel {
  /**
   * Takes `data` over, and with it everything in its buffer: the caller must not touch it again. Resolves when the
   * segment is accepted and the peer keeps up. Throws 'protocol/closed' once the peer is gone.
   */
  send(segment: Segment): Promise<void>;
  /** The next segment, whose data belongs to the caller. Throws 'protocol/closed' once the peer is gone and all is read, 'protocol/deadline' if it is silent. */
  receive(): Promise<Segment>;
}
