import { connectivityState, Metadata, type ServiceError } from '@grpc/grpc-js';
import { SphynxError } from '../../errors/sphynx-error.ts';
import { CallStream } from '../../transport/call-stream.ts';
import { CLIENT_KEY } from '../../transport/client-token.ts';
import { CLIENT_CHANNEL_OPTIONS } from '../../transport/limits.ts';
import type {
  GetModelCardResponse,
  InferRequests,
  InferResponses,
  ModelSummary,
  PreprocessRequests,
  PreprocessResponses,
} from '../../transport/messages.ts';
import { PrivateInferenceClient } from '../../transport/proto.ts';
import { checkReadable } from '../../transport/readable.ts';
import { fromStatus } from '../../transport/status.ts';
import { onAbort } from '../abort.ts';
import { type CallMetadata, metadataPairs } from '../call-metadata.ts';
import { CONNECTION_OPTIONS, type Deadlines, RECONNECT_MS } from '../limits.ts';
import { readSummaries } from '../summaries.ts';
import { type Security, targetOf } from './address.ts';
import { causeOf } from './unreachable.ts';

export type PreprocessStream = CallStream<PreprocessResponses, PreprocessRequests>;
export type InferStream = CallStream<InferResponses, InferRequests>;

/** A bearer token, or what gives the one that is valid now. */
export type BearerToken = string | (() => string);

/** What a broken connection ends, and what is left of it. */
const BROKEN = {
  preparation: 'a preparation; bundles that were ready stay',
  inference: 'an inference, and its bundle is used up',
};

/** The four calls of the service on one gRPC connection, with deadlines, aborts and errors of ours. */
export class Connection {
  readonly address: string;
  readonly #client: PrivateInferenceClient;
  readonly #token: string;
  readonly #deadlines: Deadlines;
  readonly #bearer: BearerToken | undefined;
  readonly #extra: CallMetadata | undefined;

  /**
   * @param token the client's token (32 hex digits)
   * @param bearer who calls, for servers that ask
   * @param extra the application's own metadata
   * @throws SphynxError 'config/invalid' on a bad address, and for a bearer token that others would read
   */
  constructor(
    address: string,
    token: string,
    security: Security,
    deadlines: Deadlines,
    bearer?: BearerToken,
    extra?: CallMetadata,
  ) {
    this.address = address;
    this.#token = token;
    this.#deadlines = deadlines;
    this.#bearer = bearer;
    this.#extra = extra;
    if (typeof extra !== 'function') metadataPairs(extra);
    const { uri, credentials, options, confidential } = targetOf(address, security);
    if (bearer !== undefined && !confidential)
      throw new SphynxError(
        'config/invalid',
        'a bearer token is sent over TLS or to this machine only: whoever reads it on the way has it',
      );
    this.#client = new PrivateInferenceClient(uri, credentials, {
      ...CLIENT_CHANNEL_OPTIONS,
      ...CONNECTION_OPTIONS,
      ...options,
    });
  }

  /**
   * Throws 'server/unreachable' at once if nobody listens, 'protocol/deadline' if nobody answers, 'model/format'
   * if the list is not well-formed.
   */
  async listModels(signal?: AbortSignal): Promise<ModelSummary[]> {
    const { models } = await this.#call<{ models: unknown[] }>(signal, (metadata, options, callback) =>
      this.#client.listModels({}, metadata, options, callback),
    );
    return readSummaries(models);
  }

  /** The server's clock minus this one's (ms), give or take half a round trip; undefined if it does not tell its time. */
  async clockDifference(signal?: AbortSignal): Promise<number | undefined> {
    const start = Date.now();
    const { serverTimeMs } = await this.#call<{ serverTimeMs: unknown }>(
      signal,
      (metadata, options, callback) => this.#client.listModels({}, metadata, options, callback),
    );
    if (!Number.isSafeInteger(serverTimeMs) || serverTimeMs === 0) return undefined;
    return Number(serverTimeMs) - (start + Date.now()) / 2;
  }

  getModelCard(model: string, signal?: AbortSignal): Promise<GetModelCardResponse> {
    return this.#call(signal, (metadata, options, callback) =>
      this.#client.getModelCard({ model }, metadata, options, callback),
    );
  }

  /** Makes sure that the server can be reached, before a bundle is put at stake. */
  async ensureReady(signal?: AbortSignal): Promise<void> {
    if (this.#state !== connectivityState.READY) await this.listModels(signal);
  }

  /** How long deriving a plan from one of the server's cards may take. */
  get planMs(): number {
    return this.#deadlines.planMs;
  }

  /** How long a busy server may put preparations off. */
  get queueMs(): number {
    return this.#deadlines.queueMs;
  }

  preprocess(): PreprocessStream {
    return CallStream.ofClient(this.#client.preprocess(this.#metadata()), this.#deadlines);
  }

  infer(): InferStream {
    return CallStream.ofClient(this.#client.infer(this.#metadata()), this.#deadlines);
  }

  /** Cuts calls that are running. */
  close(): void {
    this.#client.close();
  }

  /**
   * Says where there is no connection, or where one broke, and what to do; other errors stay as they are.
   *
   * @param underWay what the server was doing: it had answered before
   */
  explain(error: unknown, underWay?: keyof typeof BROKEN): unknown {
    if (!(error instanceof SphynxError) || error.code !== 'server/unreachable') return error;
    const cause = causeOf(error.message) ?? '';
    const message = underWay
      ? `the connection to ${this.address} broke in the middle of ${BROKEN[underWay]}; try again`
      : `cannot reach a server at ${this.address}${cause && `: ${cause}`}; run \`sphynx doctor --server ${this.address}\``;
    return new SphynxError(error.code, message, { cause: error, retryAfterMs: error.retryAfterMs });
  }

  get #state(): connectivityState {
    return this.#client.getChannel().getConnectivityState(false);
  }

  /** Gives a connection that broke a moment to come back: until then gRPC refuses calls with the last failure. */
  async #reconnect(): Promise<void> {
    if (this.#state !== connectivityState.TRANSIENT_FAILURE) return;
    const deadline = Date.now() + Math.min(RECONNECT_MS, this.#deadlines.connectMs);
    await new Promise((resolve) => this.#client.waitForReady(deadline, resolve));
  }

  /** For the streams: also the client's token. The short calls are the same for all clients of an identity. */
  #metadata(): Metadata {
    const metadata = this.#proof();
    metadata.set(CLIENT_KEY, this.#token);
    return metadata;
  }

  /** Who calls, for every call. Throws 'config/invalid' if the bearer token cannot be one. */
  #proof(): Metadata {
    const metadata = new Metadata();
    for (const [name, value] of metadataPairs(this.#extra)) metadata.set(name, value);
    if (this.#bearer === undefined) return metadata;
    const bearer = typeof this.#bearer === 'string' ? this.#bearer : this.#bearer();
    if (!/^[A-Za-z0-9._~+/=-]+$/.test(bearer))
      throw new SphynxError(
        'config/invalid',
        'the bearer token holds characters that none can hold; is it the right text, without line ends?',
      );
    metadata.set('authorization', `Bearer ${bearer}`);
    return metadata;
  }

  async #call<Response>(
    signal: AbortSignal | undefined,
    start: (
      metadata: Metadata,
      options: { deadline: number },
      callback: (error: ServiceError | null, response: Response) => void,
    ) => { cancel(): void },
  ): Promise<Response> {
    let release = () => {};
    await this.#reconnect();
    try {
      const answered = new Promise<Response>((resolve, reject) => {
        const deadline = Date.now() + this.#deadlines.connectMs;
        const call = start(this.#proof(), { deadline }, (failure, response) =>
          failure ? reject(fromStatus(failure)) : resolve(response),
        );
        release = onAbort(signal, (error) => {
          reject(error);
          call.cancel();
        });
      });
      return checkReadable(await answered);
    } catch (error) {
      throw this.explain(error);
    } finally {
      release();
    }
  }
}
