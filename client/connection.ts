/** The service as the client sees it: its four calls, over gRPC in Node and over WebSocket in browsers. */
import type { CallStream } from '../transport/call-stream.ts';
import type {
  GetModelCardResponse,
  InferRequests,
  InferResponses,
  ModelSummary,
  PreprocessRequests,
  PreprocessResponses,
} from '../transport/messages.ts';
import type { CallMetadata } from './call-metadata.ts';
import type { Deadlines } from './limits.ts';
import type { Security } from './security.ts';

export type PreprocessStream = CallStream<PreprocessResponses, PreprocessRequests>;
export type InferStream = CallStream<InferResponses, InferRequests>;

/** A bearer token, or a function that returns the one that is valid now. */
export type BearerToken = string | (() => string);

/** What the server was doing when a connection broke: it had answered before. */
export type UnderWay = 'preparation' | 'inference';

export interface ConnectionSettings {
  /** The client's token (32 hex digits). */
  readonly token: string;
  /** In pages the address alone says whether the connection is protected. */
  readonly security: Security;
  readonly deadlines: Deadlines;
  /** Proves who calls, to servers that ask. */
  readonly bearer?: BearerToken;
  /** The application's own metadata. Pages cannot send any. */
  readonly metadata?: CallMetadata;
}

/** The four calls of the service on one server, with deadlines, aborts and errors of ours. */
export interface Connection {
  readonly address: string;
  /** Longest time that deriving a plan from one of the server's cards may take (ms). */
  readonly planMs: number;
  /** Longest time for which a busy server may put preparations off (ms). */
  readonly queueMs: number;

  /**
   * Throws 'server/unreachable' at once if nobody listens, 'protocol/deadline' if nobody answers, 'model/format'
   * if the list is not well-formed.
   */
  listModels(signal?: AbortSignal): Promise<ModelSummary[]>;

  /** The server's clock minus this one's (ms), give or take half a round trip; undefined if it does not tell its time. */
  clockDifference(signal?: AbortSignal): Promise<number | undefined>;

  getModelCard(model: string, signal?: AbortSignal): Promise<GetModelCardResponse>;

  /** Makes sure that the server can be reached, before a bundle is put at stake. */
  ensureReady(signal?: AbortSignal): Promise<void>;

  preprocess(): PreprocessStream;

  infer(): InferStream;

  /** Cuts calls that are running. */
  close(): void;

  /** Says where there is no connection, or where one broke, and what to do. Returns other errors as they are. */
  explain(error: unknown, underWay?: UnderWay): unknown;
}

/** Makes a connection, which is opened by its first call. Throws 'config/invalid'. */
export type OpenConnection = (address: string, settings: ConnectionSettings) => Connection;
