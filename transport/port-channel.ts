import type { MessagePort } from 'node:worker_threads';
import { SphynxError, type SphynxErrorCode } from '../errors/sphynx-error.ts';
import { owned, ownsBuffer } from '../kernels/release.ts';
import type { Channel } from '../protocol/channel.ts';
import type { Segment } from '../protocol/segment.ts';
import { PORT_PREFETCH } from './limits.ts';

/** A message over the port. A credit is permission to send one segment. */
type PortMessage =
  | { readonly type: 'segment'; readonly segment: Segment }
  | { readonly type: 'credit'; readonly count: number }
  | { readonly type: 'end' }
  | { readonly type: 'failure'; readonly code: SphynxErrorCode; readonly message: string };

interface PortChannelOptions {
  /**
   * Segments that the other side may send before they are requested. 0 means on demand only: then the other side's
   * `wanted` resolves when this side waits, and nothing is read from a stream that belongs to somebody else.
   */
  readonly prefetch?: number;
}

/**
 * A Channel between two threads, one at each end of a MessageChannel. Data is transferred, not copied.
 * Every `receive` gives the other side one credit, so neither end ever holds more than `prefetch` segments
 * unread. It has no deadline of its own: both ends live in one process, and a dead thread closes its ports.
 */
export class PortChannel implements Channel {
  readonly #port: MessagePort;
  readonly #unread: Segment[] = [];
  #mayReceive: number;
  #credits = 0;
  #ended = false;
  #failure: SphynxError | undefined;
  #wake: (() => void)[] = [];

  constructor(port: MessagePort, { prefetch = PORT_PREFETCH }: PortChannelOptions = {}) {
    this.#port = port;
    this.#mayReceive = 0;
    port.on('message', (message: PortMessage) => this.#take(message));
    port.on('close', () => this.#stop(new SphynxError('internal', 'the worker thread of this call died')));
    this.#grant(prefetch);
  }

  /** Waits for a credit. Throws the other side's failure, 'protocol/closed' after its end, 'internal' if its thread died. */
  async send(segment: Segment): Promise<void> {
    // With a credit available, the segment leaves at once, before the caller continues with long work. After a wait the
    // credit is checked again, because another waiting send may have taken it.
    while (this.#credits <= 0 || this.#failure || this.#ended)
      if (!(await this.wanted()))
        throw new SphynxError('protocol/closed', 'the other thread ended the channel');
    this.#credits--;
    const data = ownsBuffer(segment.data) ? segment.data : new Uint8Array(segment.data);
    this.#port.postMessage(
      { type: 'segment', segment: { ...segment, data: owned(data) } } satisfies PortMessage,
      [data.buffer],
    );
  }

  /** Returns the next segment. Throws as `send`. */
  async receive(): Promise<Segment> {
    const segment = await this.next();
    if (!segment) throw new SphynxError('protocol/closed', 'the other thread ended the channel');
    return segment;
  }

  /** As `receive`, but returns undefined once the other side has ended the channel and all segments are read. */
  async next(): Promise<Segment | undefined> {
    if (!this.#ended && !this.#failure) this.#grant(1);
    for (;;) {
      if (this.#failure) throw this.#failure;
      const segment = this.#unread.shift();
      if (segment || this.#ended) return segment;
      await this.#change();
    }
  }

  /**
   * Waits until the other side wants a segment. Returns true then, and false if it ended the channel instead. Throws as
   * `send`.
   */
  async wanted(): Promise<boolean> {
    for (;;) {
      if (this.#failure) throw this.#failure;
      if (this.#ended) return false;
      if (this.#credits > 0) return true;
      await this.#change();
    }
  }

  /** Ends both directions in an orderly way; the other side can still read what was sent. */
  end(): void {
    if (this.#failure || this.#ended) return;
    this.#ended = true;
    this.#port.postMessage({ type: 'end' } satisfies PortMessage);
    this.#notify();
  }

  /** Aborts the channel: all further calls on both sides throw `error`. Its cause stays in this thread. */
  fail(error: SphynxError): void {
    if (this.#failure || this.#ended) return;
    const { code, message } = error;
    this.#port.postMessage({ type: 'failure', code, message } satisfies PortMessage);
    this.#stop(error);
  }

  #take(message: PortMessage): void {
    switch (message.type) {
      case 'segment':
        if (--this.#mayReceive < 0) this.fail(new SphynxError('internal', 'a thread sent without a credit'));
        else this.#unread.push(message.segment);
        break;
      case 'credit':
        this.#credits += message.count;
        break;
      case 'end':
        this.#ended = true;
        this.#port.close();
        break;
      case 'failure':
        this.#stop(new SphynxError(message.code, message.message));
        this.#port.close();
    }
    this.#notify();
  }

  #stop(error: SphynxError): void {
    if (this.#failure || this.#ended) return;
    this.#failure = error;
    this.#unread.length = 0;
    this.#notify();
  }

  #grant(count: number): void {
    if (count === 0) return;
    this.#mayReceive += count;
    this.#port.postMessage({ type: 'credit', count } satisfies PortMessage);
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
