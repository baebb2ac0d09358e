import type { Socket } from '../../client/browser/web-call.ts';

/** A socket whose other end is the test. */
export class FakeSocket implements Socket {
  binaryType = '';
  bufferedAmount = 0;
  closed = false;
  readonly sent: Uint8Array[] = [];
  readonly #listeners: [string, (event: { data?: unknown }) => void][] = [];

  addEventListener(type: string, listener: (event: { data?: unknown }) => void): void {
    this.#listeners.push([type, listener]);
  }

  send(bytes: Uint8Array): void {
    this.sent.push(bytes);
  }

  close(): void {
    this.closed = true;
  }

  happen(type: 'open' | 'close' | 'error' | 'message', data?: unknown): void {
    for (const [name, listener] of this.#listeners) if (name === type) listener({ data });
  }

  /** The server sends this frame. */
  say(bytes: Uint8Array): void {
    this.happen('message', bytes.slice().buffer);
  }
}
