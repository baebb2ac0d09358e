/** The client's end of one call over a WebSocket. */
import type { SphynxErrorCode } from '../../errors/sphynx-error.ts';
import type { CallFailure, ClientTransport } from '../../transport/call-transport.ts';
import { MESSAGE_BYTES } from '../../transport/limits.ts';
import type { OneOf, Received } from '../../transport/messages.ts';
import { CODE_KEY, fromStatus, RETRY_KEY } from '../../transport/status.ts';
import { STATUS } from '../../transport/status-codes.ts';
import { FRAME, frame, SUBPROTOCOL } from '../../transport/web/frames.ts';
import { decode } from '../../transport/web/protobuf.ts';
import { CALL_HEADER, CALL_STATUS, CALLS, type CallName } from '../../transport/web/schema.ts';

/**
 * Largest size of unread messages (bytes), because a browser cannot throttle the server. More than a bundle of real
 * models.
 */
const UNREAD_BYTES = 256 * 2 ** 20;

/** Memory of an unread message besides its bytes: small messages count too. */
const OBJECT_BYTES = 256;

/** Unsent bytes in the socket above which `write` waits. */
const UNSENT_BYTES = 4 * 2 ** 20;

/** How often a full socket is polled (ms): browsers do not signal when it has room. */
const LOOK_MS = 5;

/** The part of a WebSocket that a call needs: the browser's, and that of the package `ws`. */
export interface Socket {
  binaryType: string;
  readonly bufferedAmount: number;
  addEventListener(type: string, listener: (event: { data?: unknown }) => void): void;
  send(bytes: Uint8Array): void;
  close(): void;
}

export interface WebCallOptions {
  /** Opens a WebSocket: the browser's own, unless given. */
  readonly open?: (url: string, protocol: string) => Socket;
  /** `wss://HOST:PORT` or `ws://HOST:PORT`. */
  readonly url: string;
  /** The client's token, for the streams. */
  readonly client?: string;
  readonly bearer?: string;
}

/** Listeners of a call by event. */
interface Listeners {
  readonly readable: (() => void)[];
  readonly end: (() => void)[];
  readonly error: ((failure: CallFailure) => void)[];
  readonly status: ((status: { readonly code: number }) => void)[];
}

/**
 * The client's end of one call over a WebSocket (web_socket.proto). It emits no 'status', because its end carries the
 * same information.
 */
export class WebCall<Incoming, Outgoing> implements ClientTransport<Incoming, Outgoing> {
  readonly #name: CallName;
  readonly #header: Uint8Array;
  readonly #socket: Socket;
  readonly #listeners: Listeners = { readable: [], end: [], error: [], status: [] };
  readonly #unread: Uint8Array[] = [];
  readonly #opened = Promise.withResolvers<void>();
  #unreadBytes = 0;
  #connected = false;
  #introduced = false;
  #over = false;

  constructor(name: CallName, { open = openSocket, url, client = '', bearer }: WebCallOptions) {
    this.#name = name;
    const authorization = bearer === undefined ? '' : `Bearer ${bearer}`;
    this.#header = frame(FRAME.header, CALL_HEADER, { client, authorization });
    this.#opened.promise.catch(() => {});
    this.#socket = open(`${url}/sphynx.v1.PrivateInference/${name}`, SUBPROTOCOL);
    this.#socket.binaryType = 'arraybuffer';
    this.#socket.addEventListener('open', () => {
      this.#connected = true;
      this.#opened.resolve();
    });
    this.#socket.addEventListener('message', ({ data }) => this.#receive(data));
    this.#socket.addEventListener('error', () => {});
    this.#socket.addEventListener('close', () => this.#break());
  }

  /** Resolves when the connection is open, before the call is sent. Throws 'server/unreachable'. */
  get opened(): Promise<void> {
    return this.#opened.promise;
  }

  /** Whether the connection is open and the call has not ended. */
  get usable(): boolean {
    return this.#connected && !this.#over;
  }

  on<Event extends keyof Listeners>(event: Event, listener: Listeners[Event][number]): void {
    (this.#listeners[event] as Listeners[Event][number][]).push(listener);
  }

  /** Returns the next message, or null if none has arrived. */
  read(): Received<Incoming> | null {
    const bytes = this.#unread.shift();
    if (!bytes) return null;
    this.#unreadBytes -= bytes.length + OBJECT_BYTES;
    return decode(CALLS[this.#name].response, bytes) as Received<Incoming>;
  }

  /** `done` is called when the socket has room for more. */
  write(message: OneOf<Outgoing>, done: () => void): boolean {
    this.#send(frame(FRAME.message, CALLS[this.#name].request, message as object)).then(done);
    return true;
  }

  /** Ends this side of the call. */
  end(): void {
    this.#send(Uint8Array.of(FRAME.end));
  }

  /** Cancels the call, unless it has ended, and closes the connection. Unread messages are discarded. */
  cancel(): void {
    this.#fail({ code: STATUS.CANCELLED, details: 'cancelled by this side' });
    this.#unread.length = 0;
    this.#socket.close();
  }

  async #send(bytes: Uint8Array): Promise<void> {
    if (!this.#connected) await this.#opened.promise.catch(() => {});
    if (this.#over) return;
    if (!this.#introduced) this.#socket.send(this.#header);
    this.#introduced = true;
    this.#socket.send(bytes);
    while (!this.#over && this.#socket.bufferedAmount > UNSENT_BYTES)
      await new Promise((resolve) => setTimeout(resolve, LOOK_MS));
  }

  #receive(data: unknown): void {
    if (this.#over) return;
    const bytes = data instanceof ArrayBuffer ? new Uint8Array(data) : new Uint8Array(0);
    // The byte in front of a message.
    if (bytes.length > MESSAGE_BYTES + 1) {
      this.#fail(refusal('protocol/length', 'a message was larger than allowed'));
      this.#socket.close();
    } else if (bytes[0] === FRAME.message && this.#unreadBytes < UNREAD_BYTES) {
      const message = bytes.subarray(1);
      this.#unread.push(message);
      this.#unreadBytes += message.length + OBJECT_BYTES;
      this.#emit('readable');
    } else if (bytes[0] === FRAME.status) this.#end(bytes.subarray(1));
    else {
      this.#fail(
        refusal('protocol/format', 'the server sent a frame that does not belong to the call, or too much'),
      );
      this.#socket.close();
    }
  }

  #end(content: Uint8Array): void {
    let status: Record<string, unknown>;
    try {
      status = decode(CALL_STATUS, content);
    } catch {
      this.#fail(refusal('protocol/format', 'its status is not readable'));
      this.#socket.close();
      return;
    }
    const { code, message, retryAfterMs } = status as Record<string, string>;
    if (code === '') {
      this.#over = true;
      this.#emit('end');
      return;
    }
    const said = new Map([[CODE_KEY, code]]);
    if (Number(retryAfterMs) > 0) said.set(RETRY_KEY, String(retryAfterMs));
    const get = (key: string) => (said.has(key) ? [said.get(key) as string] : []);
    this.#fail({ code: STATUS.UNKNOWN, details: message, metadata: { get } });
  }

  #break(): void {
    if (this.#connected) this.#fail({ code: STATUS.CANCELLED, details: 'the connection broke' });
    else
      this.#fail({
        code: STATUS.UNAVAILABLE,
        details: 'the server does not answer, or refuses pages of this origin',
      });
  }

  #fail(failure: CallFailure): void {
    if (this.#over) return;
    this.#over = true;
    this.#opened.reject(fromStatus(failure));
    for (const listener of this.#listeners.error) listener(failure);
  }

  #emit(event: 'readable' | 'end'): void {
    for (const listener of this.#listeners[event]) listener();
  }
}

/** Returns the failure for a server that violates web_socket.proto. */
function refusal(code: SphynxErrorCode, details: string): CallFailure {
  return { code: STATUS.UNKNOWN, details, metadata: { get: (key) => (key === CODE_KEY ? [code] : []) } };
}

function openSocket(url: string, protocol: string): Socket {
  return new WebSocket(url, protocol) as unknown as Socket;
}
