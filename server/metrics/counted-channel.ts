import type { Channel } from '../../protocol/channel.ts';
import type { Segment } from '../../protocol/segment.ts';
import type { Metrics, Phase } from './metrics.ts';

/** Counts the payload between the server and a client. */
export class CountedChannel implements Channel {
  readonly #channel: Channel;
  readonly #metrics: Metrics;
  readonly #phase: Phase;
  #bytes = 0;

  constructor(channel: Channel, metrics: Metrics, phase: Phase) {
    this.#channel = channel;
    this.#metrics = metrics;
    this.#phase = phase;
  }

  /** Payload of both directions so far (bytes). */
  get bytes(): number {
    return this.#bytes;
  }

  async send(segment: Segment): Promise<void> {
    const { length } = segment.data;
    await this.#channel.send(segment);
    this.#moved('down', length);
  }

  async receive(): Promise<Segment> {
    const segment = await this.#channel.receive();
    this.#moved('up', segment.data.length);
    return segment;
  }

  #moved(direction: 'up' | 'down', bytes: number): void {
    this.#bytes += bytes;
    this.#metrics.moved(this.#phase, direction, bytes);
  }
}
