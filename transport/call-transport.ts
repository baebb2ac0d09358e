/** The transport of one call: a gRPC stream, or ours over a WebSocket. CallStream is written against it. */
import type { OneOf, Received } from './messages.ts';

/** The common part of both ends of a call: the events and methods of gRPC's streams that are used. */
export interface CallTransport<Incoming, Outgoing> {
  on(event: 'readable' | 'end', listener: () => void): unknown;
  /** Returns the next message, or null if none has arrived. */
  read(): Received<Incoming> | null;
  /** Calls `done` when the message has left, or with an error if it could not. */
  write(message: OneOf<Outgoing>, done: (error?: Error | null) => void): boolean;
  /** Half-closes a client's call; ends a server's with success. */
  end(): unknown;
}

/** The client's end of a call. */
export interface ClientTransport<Incoming, Outgoing> extends CallTransport<Incoming, Outgoing> {
  on(event: 'readable' | 'end', listener: () => void): unknown;
  on(event: 'error', listener: (failure: CallFailure) => void): unknown;
  on(event: 'status', listener: (status: { readonly code: number }) => void): unknown;
  cancel(): void;
}

/** The server's end of a call. */
export interface ServerTransport<Incoming, Outgoing> extends CallTransport<Incoming, Outgoing> {
  on(event: 'readable' | 'end' | 'cancelled', listener: () => void): unknown;
  /** Ends the call with a status. */
  emit(event: 'error', status: unknown): unknown;
}

/** The failure of a call, as gRPC reports it. */
export interface CallFailure {
  /** One of STATUS. */
  readonly code: number;
  readonly details: string;
  readonly metadata?: { get(key: string): readonly (string | Uint8Array)[] };
}
