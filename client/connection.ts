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

/** The phase during which a connection broke, after the server had answered. */
export type UnderWay = 'preparation' | 'inference';

export interface ConnectionSettings {
  /** The client's token (32 hex digits). */
  readonly token: string;
  /** In pages, only the address determines whether the connection is protected. */
  readonly security: Security;
  readonly deadlines: Deadlines;
  /** Authenticates the caller. */
  readonly bearer?: BearerToken;
  /** The application's own metadata. Pages cannot send any. */
  readonly metadata?: CallMetadata;
}

/** The four calls of the service on one server, with deadlines, aborts and SphynxErrors. */
export interface Connection {
  readonly address: string;
  /** Longest time that deriving a plan from one of the server's cards may take (ms). */
  readonly planMs: number;
  /** Longest total wait for a busy server (ms). */
  readonly queueMs: number;

  /**
   * Throws 'server/unreachable' at once if nobody listens, 'protocol/deadline' if nobody answers, 'model/format'
   * if the list is not well-formed.
   */
  listModels(signal?: AbortSignal): Promise<ModelSummary[]>;

  /**
   * Returns the server's clock minus this machine's (ms), to within half a round trip; undefined if the server does not
   * report its time.
   */
  clockDifference(signal?: AbortSignal): Promise<number | undefined>;

  getModelCard(model: string, signal?: AbortSignal): Promise<GetModelCardResponse>;

  /** Makes sure that the server can be reached, before a bundle is risked. */
  ensureReady(signal?: AbortSignal): Promise<void>;

  preprocess(): PreprocessStream;

  infer(): InferStream;

  /** Cancels running calls. */
  close(): void;

  /** Explains a missing or broken connection, with a remedy. Returns other errors unchanged. */
  explain(error: unknown, underWay?: UnderWay): unknown;
}

/** Makes a connection, which is opened by its first call. Throws 'config/invalid'. */
export type OpenConnection = (address: string, settings: ConnectionSettings) => Connection;
