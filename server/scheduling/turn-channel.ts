import type { Channel } from '../../protocol/channel.ts';
import type { Segment } from '../../protocol/segment.ts';
import type { ProcessorTurns } from './processor-turns.ts';

/** The channel of a role that shares its thread in turns: it gives up its turn whenever it waits for its peer. */
export class TurnChannel implements Channel {
  readonly #channel: Channel;
  readonly #turns: ProcessorTurns;
  readonly #client: string;
  #holding = false;
  #processorMs = 0;

  constructor(channel: Channel, turns: ProcessorTurns, client: string) {
    this.#channel = channel;
    this.#turns = turns;
    this.#client = client;
  }

  /** Runs a role from its first turn to its last. */
  async play<Result>(role: (channel: Channel) => Promise<Result>): Promise<Result> {
    const part = this.#turns.join(this.#client);
    try {
      await this.#resume();
      return await role(this);
    } finally {
      this.#pause();
      part();
    }
  }

  /** Processor time of all ended turns (ms). */
  get processorMs(): number {
    return this.#processorMs;
  }

  async send(segment: Segment): Promise<void> {
    this.#pause();
    await this.#channel.send(segment);
    await this.#resume();
  }

  async receive(): Promise<Segment> {
    this.#pause();
    const segment = await this.#channel.receive();
    await this.#resume();
    return segment;
  }

  #pause(): void {
    if (this.#holding) this.#processorMs += this.#turns.give();
    this.#holding = false;
  }

  async #resume(): Promise<void> {
    await this.#turns.take(this.#client);
    this.#holding = true;
  }
}
