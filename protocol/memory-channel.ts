import { SphynxError } from '../errors/sphynx-error.ts';
import { ownedCopy, release } from '../kernels/release.ts';
import type { Channel } from './channel.ts';
import type { Segment } from './segment.ts';

/** Unread segments in one direction above which `send` blocks the sender. */
const WINDOW = 8;

/** Creates both ends of a channel inside one process, for tests and for measuring without a network. */
export function memoryChannel(): { client: MemoryChannel; server: MemoryChannel } {
  const up = new Pipe();
  const down = new Pipe();
  return { client: new MemoryChannel(up, down), server: new MemoryChannel(down, up) };
}

export class MemoryChannel implements Channel {
  readonly #out: Pipe;
  readonly #in: Pipe;

  constructor(out: Pipe, input: Pipe) {
    this.#out = out;
    this.#in = input;
  }

  send(segment: Segment): Promise<void> {
    const data = ownedCopy(segment.data);
    release(segment.data);
    return this.#out.push({ ...segment, data });
  }

  receive(): Promise<Segment> {
    return this.#in.shift();
  }

  /** Ends both directions, as a vanished peer would. */
  close(): void {
    this.#out.close();
    this.#in.close();
  }
}

class Pipe {
  readonly #waiting: Segment[] = [];
  #closed = false;
  #wake: (() => void)[] = [];

  async push(segment: Segment): Promise<void> {
    while (!this.#closed && this.#waiting.length >= WINDOW) await this.#change();
    if (this.#closed) throw closed();
    this.#waiting.push(segment);
    this.#notify();
  }

  async shift(): Promise<Segment> {
    while (this.#waiting.length === 0) {
      if (this.#closed) throw closed();
      await this.#change();
    }
    const segment = this.#waiting.shift() as Segment;
    this.#notify();
    return segment;
  }

  close(): void {
    this.#closed = true;
    this.#notify();
  }

  #change(): Promise<void> {
    return new Promise((resolve) => this.#wake.push(resolve));
  }

  #notify(): void {
    const wake = this.#wake;
    this.#wake = [];
    for (const resume of wake) resume();
  }
}

function closed(): SphynxError {
  return new SphynxError('protocol/closed', 'the other side closed the conversation');
}
