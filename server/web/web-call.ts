import { EventEmitter } from 'node:events';
import type { Socket } from 'node:net';
import { TLSSocket } from 'node:tls';
import { Metadata } from '@grpc/grpc-js';
import type { WebSocket } from 'ws';
import { SphynxError } from '../../errors/sphynx-error.ts';
import { CLIENT_KEY } from '../../transport/client-token.ts';
import { type CallStatus, toStatus } from '../../transport/grpc/to-status.ts';
import { CODE_KEY, RETRY_KEY } from '../../transport/status.ts';
import { FRAME, frame } from '../../transport/web/frames.ts';
import { decode } from '../../transport/web/protobuf.ts';
import { CALL_HEADER, CALL_STATUS } from '../../transport/web/schema.ts';
import type { Credentials } from '../identity/identification.ts';

/** How messages of one call are read and written: gRPC's own. */
export interface Codec {
  readonly requestDeserialize: (bytes: Buffer) => unknown;
  readonly responseSerialize: (message: never) => Buffer;
}

/** Messages that are read ahead before the peer is throttled, as in gRPC. */
const READ_AHEAD = 16;

/** Size of a socket's reads (bytes); longer messages are assembled in their own memory. */
const SHARED_BYTES = 65536;

/** Codes of RFC 6455, section 7.4.1. */
const NORMAL = 1000;

/**
 * One call over a WebSocket (web_socket.proto), with the interface of gRPC's server calls, so that one service
 * implementation handles both: `metadata`, `getAuthContext`, `read`, `write`, `end`, the events 'readable', 'end' and
 * 'cancelled', and the event 'error', which ends it with a status.
 */
export class WebCall extends EventEmitter implements Credentials {
  readonly metadata = new Metadata();
  readonly #socket: WebSocket;
  readonly #connection: Socket;
  readonly #codec: Codec;
  readonly #unread: unknown[] = [];
  readonly #begin: (call: WebCall) => void;
  #state: 'new' | 'open' | 'half-closed' | 'over' = 'new';

  /** @param begin called once, when the caller has sent its header; never if it leaves or sends anything else first */
  constructor(socket: WebSocket, connection: Socket, codec: Codec, begin: (call: WebCall) => void) {
    super();
    this.#socket = socket;
    this.#connection = connection;
    this.#codec = codec;
    this.#begin = begin;
    socket.on('message', (data, isBinary) => this.#receive(data as Buffer, isBinary));
    // The end of the connection reports its errors.
    socket.on('error', () => {});
    socket.on('close', () => this.#vanish());
    this.on('error', (error) => this.#finish(error as unknown as CallStatus));
  }

  /** The client certificate, if TLS has verified one. */
  getAuthContext(): ReturnType<Credentials['getAuthContext']> {
    const connection = this.#connection;
    if (!(connection instanceof TLSSocket) || !connection.authorized) return {};
    const certificate = connection.getPeerCertificate();
    return certificate.raw ? { sslPeerCertificate: certificate } : {};
  }

  /** `HOST:PORT` of the caller, or of a proxy in front of it. */
  getPeer(): string {
    return peerOf(this.#connection);
  }

  /** Returns the next message, or null if none has arrived. */
  read(): unknown {
    const message = this.#unread.shift() ?? null;
    if (this.#unread.length < READ_AHEAD && this.#socket.isPaused) this.#socket.resume();
    return message;
  }

  /** `done` is called when the message has left this process, with an error if it could not. */
  write(message: unknown, done: (error?: Error | null) => void): boolean {
    const content = this.#codec.responseSerialize(message as never);
    const bytes = new Uint8Array(1 + content.length);
    bytes[0] = FRAME.message;
    bytes.set(content, 1);
    this.#socket.send(bytes, done);
    return this.#socket.bufferedAmount === 0;
  }

  /** Returns the only message of a unary call. Rejects if the call ends before it. */
  async only(): Promise<unknown> {
    while (this.#unread.length === 0) {
      if (this.#state !== 'open') throw new SphynxError('protocol/closed', 'the client sent no request');
      await new Promise<void>((resolve) => {
        for (const event of ['readable', 'end', 'cancelled']) this.once(event, resolve);
      });
    }
    return this.read();
  }

  /** Ends the call with success. */
  end(): void {
    this.#finish(undefined);
  }

  #receive(data: Buffer, isBinary: boolean): void {
    const kind = isBinary ? data[0] : undefined;
    const content = data.subarray(1);
    try {
      if (this.#state === 'new' && kind === FRAME.header) this.#open(content);
      else if (this.#state === 'open' && kind === FRAME.message) this.#take(content);
      else if (this.#state === 'open' && kind === FRAME.end && content.length === 0) this.#halfClose();
      else if (this.#state !== 'over')
        throw new SphynxError('protocol/order', 'the frame is unexpected or of an unknown type');
    } catch (error) {
      this.emit('error', toStatus(error as SphynxError));
      this.#cancel();
    }
  }

  #open(content: Buffer): void {
    const { client, authorization } = decode(CALL_HEADER, content) as Record<string, string>;
    if (/[^\x20-\x7e]/.test(client + authorization))
      throw new SphynxError('protocol/format', 'the header of a call holds printable ASCII only');
    if (client !== '') this.metadata.set(CLIENT_KEY, client);
    if (authorization !== '') this.metadata.set('authorization', authorization);
    this.#state = 'open';
    this.#begin(this);
  }

  #take(content: Buffer): void {
    // Short messages share memory with others that arrived together, and a reader may release the memory of one.
    const own = content.length < SHARED_BYTES ? Buffer.from(new Uint8Array(content).buffer) : content;
    this.#unread.push(this.#codec.requestDeserialize(own));
    if (this.#unread.length >= READ_AHEAD) this.#socket.pause();
    this.emit('readable');
  }

  #halfClose(): void {
    this.#state = 'half-closed';
    this.emit('end');
  }

  #finish(failure: CallStatus | undefined): void {
    if (this.#state === 'over') return;
    this.#state = 'over';
    this.#unread.length = 0;
    // Closing waits for the peer's reply, which is not read while the socket is paused.
    this.#socket.resume();
    const status = {
      code: failure?.metadata.get(CODE_KEY)[0],
      message: failure?.details,
      retryAfterMs: Number(failure?.metadata.get(RETRY_KEY)[0] ?? 0),
    };
    this.#socket.send(frame(FRAME.status, CALL_STATUS, status), () => {});
    this.#socket.close(NORMAL);
  }

  #vanish(): void {
    if (this.#state === 'over') return;
    this.#state = 'over';
    this.#cancel();
  }

  #cancel(): void {
    this.emit('cancelled');
  }
}

/** `HOST:PORT` of the other end of a connection. */
export function peerOf({ remoteAddress = 'unknown', remotePort = 0 }: Socket): string {
  return remoteAddress.includes(':') ? `[${remoteAddress}]:${remotePort}` : `${remoteAddress}:${remotePort}`;
}
