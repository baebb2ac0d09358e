import type { SphynxErrorCode } from '../../errors/sphynx-error.ts';
import { MESSAGE_BYTES } from '../../transport/limits.ts';
import { CODE_KEY, fromStatus, RETRY_KEY } from '../../transport/status.ts';
import { FRAME, frame, SUBPROTOCOL } from '../../transport/web/frames.ts';
import { decode } from '../../transport/web/protobuf.ts';
import { CALL_HEADER, CALL_STATUS, CALLS, type CallName } from '../../transport/web/schema.ts';

/** Of gRPC's status codes, those of calls that break off; the status frame names others by a code of ours. */
const CANCELLED = 1;
const UNKNOWN = 2;
const UNAVAILABLE = 14;

/** Messages that lie unread, at most (bytes): a browser cannot hold the server back. More than a bundle of real models. */
const UNREAD_BYTES = 256 * 2 ** 20;

/** What the socket may hold that has not left (bytes) before `write` waits. */
const UNSENT_BYTES = 4 * 2 ** 20;

/** How often a full socket is looked at (ms): browsers do not tell when it has room. */
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

/** How a call failed, as gRPC tells it. */
interface Failure {
  readonly code: number;
  readonly details: string;
  readonly metadata?: { get(key: string): (string | Buffer)[] };
}

/**
 * The client's end of one call over a WebSocket (web_socket.proto), which shows itself as gRPC shows its own: the
 * events 'readable', 'end' and 'error', and `read`, `write`, `end` and `cancel`.
 */
export class ClientCall {
  readonly #name: CallName;
  readonly #header: Uint8Array;
  readonly #socket: Socket;
  readonly #listeners = new Map<string, ((failure: Failure) => void)[]>();
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

  /** Resolves when the server can be reached, before it hears of the call. Throws 'server/unreachable'. */
  get opened(): Promise<void> {
    return this.#opened.promise;
  }

  /** Whether the connection is there and the call goes on. */
  get usable(): boolean {
    return this.#connected && !this.#over;
  }

  on(event: string, listener: (failure: Failure) => void): void {
    this.#listeners.set(event, [...(this.#listeners.get(event) ?? []), listener]);
  }

  /** The next message; null if none is there. */
  read(): object | null {
    const bytes = this.#unread.shift();
    if (!bytes) return null;
    this.#unreadBytes -= bytes.length;
    return decode(CALLS[this.#name].response, bytes);
  }

  /** `done` is called when the socket has room for more. */
  write(message: object, done: () => void): boolean {
    this.#send(frame(FRAME.message, CALLS[this.#name].request, message)).then(done);
    return true;
  }

  /** Nothing more to say. */
  end(): void {
    this.#send(Uint8Array.of(FRAME.end));
  }

  /** Gives the call up. */
  cancel(): void {
    this.#fail({ code: CANCELLED, details: 'cancelled by this side' });
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
      this.#unread.push(bytes.subarray(1));
      this.#unreadBytes += bytes.length;
      this.#emit('readable');
    } else if (bytes[0] === FRAME.status) this.#end(bytes.subarray(1));
    else {
      this.#fail(refusal('protocol/format', 'the server sent what does not belong to the call, or too much'));
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
    this.#fail({ code: UNKNOWN, details: message, metadata: { get } });
  }

  #break(): void {
    if (this.#connected) this.#fail({ code: CANCELLED, details: 'the connection broke' });
    else
      this.#fail({
        code: UNAVAILABLE,
        details: 'the server does not answer, or refuses pages of this origin',
      });
  }

  #fail(failure: Failure): void {
    if (this.#over) return;
    this.#over = true;
    this.#opened.reject(fromStatus(failure as never));
    this.#emit('error', failure);
  }

  #emit(event: 'readable' | 'end'): void;
  #emit(event: 'error', failure: Failure): void;
  #emit(event: string, failure?: Failure): void {
    for (const listener of this.#listeners.get(event) ?? []) listener(failure as Failure);
  }
}

/** The server does not keep to web_socket.proto. */
function refusal(code: SphynxErrorCode, details: string): Failure {
  return { code: UNKNOWN, details, metadata: { get: (key) => (key === CODE_KEY ? [code] : []) } };
}

function openSocket(url: string, protocol: string): Socket {
  return new WebSocket(url, protocol) as unknown as Socket;
}
