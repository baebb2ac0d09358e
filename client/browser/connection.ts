/** The connection to the service over WebSocket. */
import { SphynxError } from '../../errors/sphynx-error.ts';
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
import { onAbort } from '../abort.ts';
import type {
  BearerToken,
  Connection,
  ConnectionSettings,
  InferStream,
  OpenConnection,
  PreprocessStream,
  UnderWay,
} from '../connection.ts';
import type { Deadlines } from '../limits.ts';
import { readSummaries } from '../summaries.ts';
import { checkAddress } from './address.ts';
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
  /** Calls whose connection is open but which have not been sent to the server. */
  readonly #spare: WebCall<InferResponses, InferRequests>[] = [];
  readonly #open = new Set<{ abort(error: SphynxError): void }>();

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

  /** Opens the connection for the next inference, which then begins without an extra round trip. */
  async ensureReady(signal?: AbortSignal): Promise<void> {
    const call = this.#call('Infer');
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
      this.#spare.push(call);
    } catch (error) {
      call.cancel();
      throw this.explain(error);
    } finally {
      clearTimeout(timer);
      release();
    }
  }

  preprocess(): PreprocessStream {
    this.#spare.pop()?.cancel();
    return this.#stream(this.#call('Preprocess'), this.#deadlines.idleMs);
  }

  infer(): InferStream {
    const spare = this.#spare.pop();
    return this.#stream(spare?.usable ? spare : this.#call('Infer'), this.#deadlines.idleMs);
  }

  close(): void {
    const closed = new SphynxError('aborted', 'the client was closed');
    for (const call of this.#spare.splice(0)) call.cancel();
    for (const stream of [...this.#open]) stream.abort(closed);
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

  #stream<In, Out>(call: WebCall<In, Out>, idleMs: number): CallStream<In, Out> {
    const stream = CallStream.ofClient(call, { idleMs });
    this.#open.add(stream);
    const over = () => this.#open.delete(stream);
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
    }
  }
}

export const openConnection: OpenConnection = (address, settings) =>
  new WebSocketConnection(address, settings);
