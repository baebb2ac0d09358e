import type { Segment } from './segment.ts';

/** An ordered, reliable, two-way stream of segments. Adapters: in-process below, gRPC and worker ports in `transport/`. */
export interface Channel {
  /**
   * Sends a segment and takes ownership of the buffer of `data`: the caller must not use it again. Resolves when the
   * segment is accepted and the peer keeps up. Throws 'protocol/closed' once the peer is gone.
   */
  send(segment: Segment): Promise<void>;
  /**
   * Returns the next segment, whose data belongs to the caller. Throws 'protocol/closed' once the peer is gone and all
   * segments are read, 'protocol/deadline' if the peer is silent.
   */
  receive(): Promise<Segment>;
}
