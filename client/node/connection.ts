/** The connection to the service over gRPC. */
import { connectivityState, Metadata, type ServiceError } from '@grpc/grpc-js';
import { SphynxError } from '../../errors/sphynx-error.ts';
import { CallStream } from '../../transport/call-stream.ts';
import { CLIENT_KEY } from '../../transport/client-token.ts';
import { CLIENT_CHANNEL_OPTIONS } from '../../transport/grpc/channel-options.ts';
import { PrivateInferenceClient } from '../../transport/grpc/proto.ts';
import type { GetModelCardResponse, ModelSummary } from '../../transport/messages.ts';
import { checkReadable } from '../../transport/readable.ts';
import { fromStatus } from '../../transport/status.ts';
import { onAbort } from '../abort.ts';
import { type CallMetadata, metadataPairs } from '../call-metadata.ts';
import type {
  BearerToken,
  Connection,
  ConnectionSettings,
  InferStream,
  OpenConnection,
  PreprocessStream,
  UnderWay,
} from '../connection.ts';
import { CONNECTION_OPTIONS, type Deadlines, RECONNECT_MS } from '../limits.ts';
import { readSummaries } from '../summaries.ts';
import { targetOf } from './address.ts';
import { causeOf } from './unreachable.ts';

/** What a broken connection interrupts, and what remains. */
const BROKEN: Record<UnderWay, string> = {
  preparation: 'a preparation; bundles that were ready stay',
  inference: 'an inference, and its bundle is used up',
};

class GrpcConnection implements Connection {
  readonly address: string;
  readonly planMs: number;
  readonly queueMs: number;
  readonly #client: PrivateInferenceClient;
  readonly #token: string;
  readonly #deadlines: Deadlines;
  readonly #bearer: BearerToken | undefined;
  readonly #metadata: CallMetadata | undefined;

  /**
   * Throws 'config/invalid' for an invalid address, and for a bearer token over a connection that others could read.
   */
  constructor(address: string, { token, security, deadlines, bearer, metadata }: ConnectionSettings) {
    this.address = address;
    this.planMs = deadlines.planMs;
    this.queueMs = deadlines.queueMs;
    this.#token = token;
    this.#deadlines = deadlines;
    this.#bearer = bearer;
    this.#metadata = metadata;
    if (typeof metadata !== 'function') metadataPairs(metadata);
    const { uri, credentials, options, confidential } = targetOf(address, security);
    if (bearer !== undefined && !confidential)
      throw new SphynxError(
        'config/invalid',
        'a bearer token is sent over TLS or to this machine only: anyone who reads it on the way could use it',
      );
    this.#client = new PrivateInferenceClient(uri, credentials, {
      ...CLIENT_CHANNEL_OPTIONS,
      ...CONNECTION_OPTIONS,
      ...options,
    });
  }

  async listModels(signal?: AbortSignal): Promise<ModelSummary[]> {
    const { models } = await this.#call<{ models: unknown[] }>(signal, (metadata, options, callback) =>
      this.#client.listModels({}, metadata, options, callback),
    );
    return readSummaries(models);
  }

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

  async ensureReady(signal?: AbortSignal): Promise<void> {
    if (this.#state !== connectivityState.READY) await this.listModels(signal);
  }

  preprocess(): PreprocessStream {
    return CallStream.ofClient(this.#client.preprocess(this.#streamMetadata()), this.#deadlines);
  }

  infer(): InferStream {
    return CallStream.ofClient(this.#client.infer(this.#streamMetadata()), this.#deadlines);
  }

  close(): void {
    this.#client.close();
  }

  explain(error: unknown, underWay?: UnderWay): unknown {
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

  /** Waits a moment for a broken connection to be restored: until then gRPC refuses calls with the last failure. */
  async #reconnect(): Promise<void> {
    if (this.#state !== connectivityState.TRANSIENT_FAILURE) return;
    const deadline = Date.now() + Math.min(RECONNECT_MS, this.#deadlines.connectMs);
    await new Promise((resolve) => this.#client.waitForReady(deadline, resolve));
  }

  /**
   * Returns the metadata of streams, which includes the client's token. Unary calls are the same for all clients of an
   * identity.
   */
  #streamMetadata(): Metadata {
    const metadata = this.#proof();
    metadata.set(CLIENT_KEY, this.#token);
    return metadata;
  }

  /** Returns the credentials for a call. Throws 'config/invalid' for an invalid bearer token. */
  #proof(): Metadata {
    const metadata = new Metadata();
    for (const [name, value] of metadataPairs(this.#metadata)) metadata.set(name, value);
    if (this.#bearer === undefined) return metadata;
    const bearer = typeof this.#bearer === 'string' ? this.#bearer : this.#bearer();
    if (!/^[A-Za-z0-9._~+/=-]+$/.test(bearer))
      throw new SphynxError(
        'config/invalid',
        'the bearer token has invalid characters; is it the right text, without line breaks?',
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

export const openConnection: OpenConnection = (address, settings) => new GrpcConnection(address, settings);
