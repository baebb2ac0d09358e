import type { Channel } from '../protocol/channel.ts';
import type { Traffic } from '../protocol/plan.ts';
import type { Segment } from '../protocol/segment.ts';

/** Counts the payload of the segments that pass (bytes; up is to the server), as the plan counts it. */
export class MeteredChannel implements Channel {
  readonly #channel: Channel;
  readonly #onBytes: () => void;
  #up = 0;
  #down = 0;

  constructor(channel: Channel, onBytes: () => void = () => {}) {
    this.#channel = channel;
    this.#onBytes = onBytes;
  }

  /** Payload since the beginning. */
  get traffic(): Traffic {
    return { up: this.#up, down: this.#down };
  }

  async send(segment: Segment): Promise<void> {
    const { length } = segment.data;
    await this.#channel.send(segment);
    this.#up += length;
    this.#onBytes();
  }

  async receive(): Promise<Segment> {
    const segment = await this.#channel.receive();
    this.#down += segment.data.length;
    this.#onBytes();
    return segment;
  }
}
