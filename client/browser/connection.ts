/** The connection to the service over WebSocket. */
import { asSphynxError, SphynxError } from '../../errors/sphynx-error.ts';
import { delay } from '../../platform/delay.ts';
import { CallStream } from '../../transport/call-stream.ts';
import type {
  GetModelCardRequest,
  GetModelCardResponse,
  InferRequests,
  InferResponses,
  ListModelsRequest,
  ListModelsResponse,
  ModelSummary,
} from '../../transport/messages.ts';
import type { CallName } from '../../transport/web/schema.ts';
import { checkAborted, onAbort } from '../abort.ts';
import type {
  BearerToken,
  Connection,
  ConnectionSettings,
  InferStream,
  OpenConnection,
  PreprocessStream,
  UnderWay,
} from '../connection.ts';
import { type Deadlines, RECONNECT_MS, RECONNECT_PAUSE_MS } from '../limits.ts';
import { readSummaries } from '../summaries.ts';
import { checkAddress } from './check-address.ts';
import { SpareCall } from './spare-call.ts';
import { WebCall } from './web-call.ts';

/** The calls of one request and one response. */
interface UnaryCalls {
  ListModels: { request: ListModelsRequest; response: ListModelsResponse };
  GetModelCard: { request: GetModelCardRequest; response: GetModelCardResponse };
}

/** A connection that opens one WebSocket per call. */
class WebSocketConnection implements Connection {
  readonly address: string;
  readonly planMs: number;
  readonly queueMs: number;
  readonly #token: string;
  readonly #deadlines: Deadlines;
  readonly #bearer: BearerToken | undefined;
  readonly #spare = new SpareCall<InferResponses, InferRequests>();
  readonly #streams = new Set<{ abort(error: SphynxError): void }>();

  /** @param address `wss://HOST[:PORT]`, or `ws://` to this machine. Throws 'config/invalid' for other addresses. */
  constructor(address: string, { token, deadlines, bearer }: ConnectionSettings) {
    checkAddress(address);
    this.address = address;
    this.planMs = deadlines.planMs;
    this.queueMs = deadlines.queueMs;
    this.#token = token;
    this.#deadlines = deadlines;
    this.#bearer = bearer;
  }

  async listModels(signal?: AbortSignal): Promise<ModelSummary[]> {
    return readSummaries((await this.#ask('ListModels', {}, signal)).models);
  }

  async clockDifference(signal?: AbortSignal): Promise<number | undefined> {
    const start = Date.now();
    const { serverTimeMs } = await this.#ask('ListModels', {}, signal);
    return serverTimeMs === 0 ? undefined : serverTimeMs - (start + Date.now()) / 2;
  }

  getModelCard(model: string, signal?: AbortSignal): Promise<GetModelCardResponse> {
    return this.#ask('GetModelCard', { model }, signal);
  }

  /**
   * Opens the connection for the next inference, which then begins without an extra round trip. `connect` has reached
   * the server before, so an unreachable one may be restarting: it gets RECONNECT_MS, as in Node.
   */
  async ensureReady(signal?: AbortSignal): Promise<void> {
    const until = performance.now() + Math.min(RECONNECT_MS, this.#deadlines.connectMs);
    for (;;)
      try {
        this.#spare.keep(await this.#open(signal));
        return;
      } catch (error) {
        if (asSphynxError(error).code !== 'server/unreachable' || performance.now() > until)
          throw this.explain(error);
        await delay(RECONNECT_PAUSE_MS, signal);
        checkAborted(signal);
      }
  }

  preprocess(): PreprocessStream {
    this.#spare.drop();
    return this.#stream(this.#call('Preprocess'), this.#deadlines.idleMs);
  }

  infer(): InferStream {
    return this.#stream(this.#spare.take() ?? this.#call('Infer'), this.#deadlines.idleMs);
  }

  close(): void {
    const closed = new SphynxError('aborted', 'the client was closed');
    this.#spare.drop();
    for (const stream of [...this.#streams]) stream.abort(closed);
  }

  /**
   * A socket that closes in the middle of a call appears as 'protocol/closed'; one that never opened gives no reason.
   */
  explain(error: unknown, underWay?: UnderWay): unknown {
    if (!(error instanceof SphynxError)) return error;
    const message = {
      'server/unreachable': `cannot reach a server at ${this.address}: it is off, there is no connection to it, or it does not take calls from pages of this origin; try again`,
      'protocol/closed':
        underWay && `the connection to ${this.address} broke in the middle of the ${underWay}; try again`,
    }[error.code as string];
    return message
      ? new SphynxError(error.code, message, { cause: error, retryAfterMs: error.retryAfterMs })
      : error;
  }

  #call<In, Out>(name: CallName): WebCall<In, Out> {
    const bearer = typeof this.#bearer === 'function' ? this.#bearer() : this.#bearer;
    return new WebCall<In, Out>(name, { url: this.address, client: this.#token, bearer });
  }

  /** Opens the connection of an inference. Throws 'server/unreachable', 'protocol/deadline' and 'aborted'. */
  async #open(signal: AbortSignal | undefined): Promise<WebCall<InferResponses, InferRequests>> {
    const call = this.#call<InferResponses, InferRequests>('Infer');
    const stop = Promise.withResolvers<never>();
    const release = onAbort(signal, stop.reject);
    const { connectMs } = this.#deadlines;
    const timer = setTimeout(
      () =>
        stop.reject(
          new SphynxError(
            'protocol/deadline',
            `${this.address} did not answer within ${connectMs} ms; check the connection, and try again`,
          ),
        ),
      connectMs,
    );
    try {
      await Promise.race([call.opened, stop.promise]);
      return call;
    } catch (error) {
      call.cancel();
      throw error;
    } finally {
      clearTimeout(timer);
      release();
    }
  }

  #stream<In, Out>(call: WebCall<In, Out>, idleMs: number): CallStream<In, Out> {
    const stream = CallStream.ofClient(call, { idleMs });
    this.#streams.add(stream);
    const over = () => this.#streams.delete(stream);
    call.on('end', over);
    call.on('error', over);
    return stream;
  }

  async #ask<Name extends keyof UnaryCalls>(
    name: Name,
    request: UnaryCalls[Name]['request'],
    signal?: AbortSignal,
  ): Promise<UnaryCalls[Name]['response']> {
    const call = this.#call<UnaryCalls[Name]['response'], UnaryCalls[Name]['request']>(name);
    const stream = this.#stream(call, this.#deadlines.connectMs);
    const release = onAbort(signal, (error) => stream.abort(error));
    try {
      await stream.send(request);
      const answer = await stream.receive();
      if (!answer) throw new SphynxError('protocol/closed', 'the server ended a call without an answer');
      return answer as UnaryCalls[Name]['response'];
    } catch (error) {
      throw this.explain(error);
    } finally {
      release();
      // The server may leave the connection open after its answer.
      call.cancel();
    }
  }
}

export const openConnection: OpenConnection = (address, settings) =>
  new WebSocketConnection(address, settings);
