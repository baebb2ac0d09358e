import { SphynxError } from '../errors/sphynx-error.ts';
import { delay } from '../platform/delay.ts';
import type { CallTransport, ClientTransport, ServerTransport } from './call-transport.ts';
import { IDLE_MS } from './limits.ts';
import type { OneOf, Received } from './messages.ts';
import { checkReadable } from './readable.ts';
import { fromStatus } from './status.ts';
import { STATUS } from './status-codes.ts';

export interface CallStreamOptions {
  /** How long `send` and `receive` wait for the peer (ms). */
  readonly idleMs?: number;
}

/**
 * The typed messages of one call: `send` resolves when the message has left, `receive` with the next one. The transport
 * reads at most 16 messages ahead and then throttles the peer. Once the stream has failed, every call throws that
 * failure and `signal` is aborted with it as the reason. One `receive` at a time.
 */
export class CallStream<Incoming, Outgoing> {
  readonly #call: CallTransport<Incoming, Outgoing>;
  readonly #hangUp: (error: SphynxError) => void;
  readonly #idleMs: number;
  readonly #closing = new AbortController();
  readonly #waiting = new Set<(error: SphynxError) => void>();
  readonly #sending = new Set<(error: SphynxError) => void>();
  #failure: SphynxError | undefined;
  #over = false;
  #ended = false;
  #onReadable: () => void = () => {};
  #closed: Promise<void> | undefined;

  private constructor(
    call: CallTransport<Incoming, Outgoing>,
    hangUp: (error: SphynxError) => void,
    options: CallStreamOptions,
  ) {
    this.#call = call;
    this.#hangUp = hangUp;
    this.#idleMs = options.idleMs ?? IDLE_MS;
    call.on('readable', () => this.#onReadable());
    call.on('end', () => {
      this.#ended = true;
      this.#onReadable();
    });
  }

  /** The client's end of a call. `abort` cancels the call. */
  static ofClient<In, Out>(
    call: ClientTransport<In, Out>,
    options: CallStreamOptions = {},
  ): CallStream<In, Out> {
    const stream = new CallStream<In, Out>(call, () => call.cancel(), options);
    call.on('error', (failure) => stream.#fail(fromStatus(failure)));
    call.on('status', ({ code }) => {
      if (code === STATUS.OK) stream.#finish();
    });
    return stream;
  }

  /** The server's end of a call. `abort` ends the call by `refuse`. */
  static ofServer<In, Out>(
    call: ServerTransport<In, Out>,
    refuse: (error: SphynxError) => void,
    options: CallStreamOptions = {},
  ): CallStream<In, Out> {
    const stream = new CallStream<In, Out>(call, refuse, options);
    call.on('cancelled', () =>
      stream.#fail(new SphynxError('protocol/closed', 'the client closed the stream before its end')),
    );
    return stream;
  }

  /** Aborted, with the failure as its reason, when the stream breaks off. Never aborted by an orderly end. */
  get signal(): AbortSignal {
    return this.#closing.signal;
  }

  /** Resolves when the message has left this process. Throws 'protocol/closed', 'protocol/deadline' or the peer's error. */
  send(message: OneOf<Outgoing>): Promise<void> {
    if (this.#over || this.#closed) return Promise.reject(over());
    return this.#wait((done, refuse) => {
      this.#sending.add(refuse);
      this.#call.write(message, (error?: Error | null) => {
        // The end of the stream follows a failed write and has more detail.
        if (error) return;
        this.#sending.delete(refuse);
        done();
      });
    });
  }

  /**
   * Returns the next message, or undefined at the peer's orderly end. Throws as `send`, and 'protocol/format'. For a
   * server, a client that cancels between two messages can briefly look like an orderly end, until `signal` fires.
   */
  async receive(): Promise<Received<Incoming> | undefined> {
    for (;;) {
      if (this.#failure) throw this.#failure;
      if (this.#closed) throw over();
      const message = this.#call.read();
      if (message !== null) return checkReadable(message);
      if (this.#ended) return undefined;
      await this.#wait((done) => {
        this.#onReadable = done;
      });
    }
  }

  /**
   * Returns the next message, which must be `name`. Throws 'protocol/order' for another one, 'protocol/closed' at the
   * end.
   */
  async expect<Name extends keyof Incoming & string>(name: Name): Promise<Incoming[Name]> {
    const message = await this.expectOrEnd(name);
    if (message === undefined)
      throw new SphynxError('protocol/closed', `expected ${name}, but the other side ended the stream`);
    return message;
  }

  /** As `expect`, but undefined at the peer's orderly end. */
  async expectOrEnd<Name extends keyof Incoming & string>(name: Name): Promise<Incoming[Name] | undefined> {
    const message = await this.receive();
    if (message === undefined) return undefined;
    const content = message[name] as Incoming[Name] | null | undefined;
    if (message.message !== name || content === undefined || content === null)
      throw new SphynxError(
        'protocol/order',
        `expected ${name}, got ${message.message ?? 'an empty message'}`,
      );
    return content;
  }

  /** Ends this side: half-closes a client's call, ends a server's with status OK. */
  end(): void {
    this.#call.end();
  }

  /** Aborts the call: the peer receives `error` (from a server) or a cancellation (from a client). */
  abort(error: SphynxError): void {
    if (this.#failure) return;
    this.#fail(error);
    this.#hangUp(error);
  }

  /**
   * Ends the conversation in a way that looks the same on the wire whatever the cause: half-closes the call, discards
   * further messages of the peer, and waits until the peer has ended the call, which is cut after `timeoutMs`. Pending
   * operations on the stream fail with 'protocol/closed'.
   */
  close(timeoutMs: number): Promise<void> {
    this.#closed ??= this.#close(timeoutMs);
    return this.#closed;
  }

  async #close(timeoutMs: number): Promise<void> {
    if (this.#failure) return;
    for (const refuse of [...this.#waiting]) refuse(over());
    this.#call.end();
    const ended = Promise.withResolvers<void>();
    this.#onReadable = () => {
      this.#discard();
      if (this.#ended) ended.resolve();
    };
    this.signal.addEventListener('abort', () => ended.resolve());
    this.#onReadable();
    const timer = new AbortController();
    await Promise.race([ended.promise, delay(timeoutMs, timer.signal)]);
    timer.abort();
    if (!this.#ended)
      this.abort(new SphynxError('protocol/order', 'the peer did not end a conversation that was over'));
  }

  #discard(): void {
    for (let message: unknown; message !== null; )
      try {
        message = this.#call.read();
      } catch {
        // Unreadable messages are discarded like the others.
      }
  }

  /** Handles the server's orderly end of the call: its messages can still be read, but it receives no more. */
  #finish(): void {
    this.#over = true;
    for (const refuse of [...this.#sending]) refuse(over());
  }

  #fail(error: SphynxError): void {
    if (this.#failure) return;
    this.#failure = error;
    for (const reject of [...this.#waiting]) reject(error);
    this.#closing.abort(error);
  }

  #wait(start: (done: () => void, refuse: (error: SphynxError) => void) => void): Promise<void> {
    if (this.#failure) return Promise.reject(this.#failure);
    return new Promise((resolve, reject) => {
      const stop = () => {
        clearTimeout(timer);
        this.#waiting.delete(refuse);
      };
      const refuse = (error: SphynxError) => {
        stop();
        reject(error);
      };
      const timer = setTimeout(
        () =>
          this.abort(
            new SphynxError(
              'protocol/deadline',
              `the other side was silent for ${this.#idleMs} ms; check the connection, and try again`,
            ),
          ),
        this.#idleMs,
      );
      this.#waiting.add(refuse);
      start(() => {
        stop();
        resolve();
      }, refuse);
    });
  }
}

function over(): SphynxError {
  return new SphynxError('protocol/closed', 'the call ended before all messages were sent');
}
