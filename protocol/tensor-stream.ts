import { SphynxError } from '../errors/sphynx-error.ts';
import { type OwnedBytes, owned, release } from '../kernels/release.ts';
import type { Channel } from './channel.ts';
import { SEGMENT_BYTES, SEGMENT_HEADROOM, type SegmentKind } from './segment.ts';

/**
 * Sends `bytes`, of which the channel takes ownership, as segments of the tensor (kind, layer), starting at byte
 * `offset` of it.
 */
export async function sendTensor(
  channel: Channel,
  kind: SegmentKind,
  layer: number,
  bytes: OwnedBytes,
  offset = 0,
): Promise<void> {
  if (bytes.length > 0 && bytes.length <= SEGMENT_BYTES)
    return channel.send({ kind, layer, offset, data: bytes });
  for (let start = 0; start < bytes.length; start += SEGMENT_BYTES) {
    const data = segmentOf(bytes, start);
    await channel.send({ kind, layer, offset: offset + start, data });
  }
  release(bytes);
}

/** Returns copies of `bytes`, which may be in the kernel memory, one per segment. */
export function segmentsOf(bytes: Uint8Array): OwnedBytes[] {
  const pieces: OwnedBytes[] = [];
  for (let start = 0; start < bytes.length; start += SEGMENT_BYTES) pieces.push(segmentOf(bytes, start));
  return pieces;
}

function segmentOf(bytes: Uint8Array, start: number): OwnedBytes {
  const piece = bytes.subarray(start, start + SEGMENT_BYTES);
  const data = new Uint8Array(SEGMENT_HEADROOM + piece.length).subarray(SEGMENT_HEADROOM);
  data.set(piece);
  return owned(data);
}

/** Receives a whole tensor whose length (bytes) the plan gives. Errors as `TensorReader.read`. */
export async function receiveTensor(
  channel: Channel,
  kind: SegmentKind,
  layer: number,
  length: number,
): Promise<OwnedBytes> {
  return new TensorReader(channel, kind, layer).read(length);
}

/**
 * Reads the tensor (kind, layer) piece by piece as it arrives. Lengths come from the plan, never from the peer: a
 * segment of another tensor, a gap, an overlap, a segment that extends beyond the piece being read, and one that is
 * shorter than possible are refused.
 */
export class TensorReader {
  readonly #channel: Channel;
  readonly #kind: SegmentKind;
  readonly #layer: number;
  #offset = 0;

  constructor(channel: Channel, kind: SegmentKind, layer: number) {
    this.#channel = channel;
    this.#kind = kind;
    this.#layer = layer;
  }

  /** Returns the next `length` bytes. Errors as `pieces`. */
  async read(length: number): Promise<OwnedBytes> {
    let whole: Uint8Array | undefined;
    let filled = 0;
    for await (const piece of this.pieces(length)) {
      if (piece.length === length) return piece;
      whole ??= new Uint8Array(length);
      whole.set(piece, filled);
      filled += piece.length;
      release(piece);
    }
    return owned(whole ?? new Uint8Array(0));
  }

  /**
   * Yields the next `length` bytes as they arrive; each piece belongs to the caller. Throws 'protocol/order' or
   * 'protocol/length' if the peer sends anything else.
   */
  async *pieces(length: number): AsyncGenerator<OwnedBytes> {
    const end = this.#offset + length;
    while (this.#offset < end) {
      const { kind, layer, offset, data } = await this.#channel.receive();
      if (kind !== this.#kind || layer !== this.#layer || offset !== this.#offset)
        throw new SphynxError(
          'protocol/order',
          `expected ${this.#kind} of layer ${this.#layer} at byte ${this.#offset}, got ${kind} of layer ${layer} at byte ${offset}`,
        );
      const expected = Math.min(SEGMENT_BYTES, end - offset);
      if (data.length !== expected)
        throw new SphynxError(
          'protocol/length',
          `expected ${expected} bytes of ${this.#kind} of layer ${this.#layer}, got ${data.length}`,
        );
      this.#offset += data.length;
      yield data;
    }
  }
}
