import { SphynxError } from '../../errors/sphynx-error.ts';
import { CallStream } from '../../transport/call-stream.ts';
import type {
  GetModelCardRequest,
  GetModelCardResponse,
  ListModelsResponse,
  ModelSummary,
} from '../../transport/messages.ts';
import type { CallName } from '../../transport/web/schema.ts';
import { onAbort } from '../abort.ts';
import type { Deadlines } from '../limits.ts';
import type { Security } from '../node/address.ts';
import type {
  BearerToken,
  InferStream,
  Connection as NodeConnection,
  PreprocessStream,
} from '../node/connection.ts';
import { readSummaries } from '../summaries.ts';
import { ClientCall } from './web-call.ts';

/** What can be called once: the answer is no part of a conversation. */
interface Unary {
  ListModels: { request: Record<string, never>; response: ListModelsResponse };
  GetModelCard: { request: GetModelCardRequest; response: GetModelCardResponse };
}

/** The four calls of the service from a browser, each on a WebSocket of its own. */
export class Connection implements Pick<NodeConnection, keyof NodeConnection> {
  readonly address: string;
  readonly #token: string;
  readonly #deadlines: Deadlines;
  readonly #bearer: BearerToken | undefined;
  /** Calls whose connection is there and which the server has not heard of yet. */
  readonly #spare: ClientCall[] = [];
  readonly #open = new Set<{ abort(error: SphynxError): void }>();

  /** @param address `wss://HOST[:PORT]`, or `ws://` to this machine. Throws 'config/invalid' for another one. */
  constructor(address: string, token: string, _: Security, deadlines: Deadlines, bearer?: BearerToken) {
    if (!/^wss?:\/\/[^/\s]+$/.test(address))
      throw new SphynxError('config/invalid', `an address is wss://HOST:PORT; got "${address}"`);
    this.address = address;
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

  /** Opens the connection of the next inference, which then begins without another round trip. */
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

  get planMs(): number {
    return this.#deadlines.planMs;
  }

  get queueMs(): number {
    return this.#deadlines.queueMs;
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

  /** A socket that closes in the middle of a call is 'protocol/closed' here; one that never opened does not say why. */
  explain(error: unknown, underWay?: Parameters<NodeConnection['explain']>[1]): unknown {
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

  #call(name: CallName): ClientCall {
    const bearer = typeof this.#bearer === 'function' ? this.#bearer() : this.#bearer;
    return new ClientCall(name, { url: this.address, client: this.#token, bearer });
  }

  #stream<In, Out>(call: ClientCall, idleMs: number): CallStream<In, Out> {
    // A call shows what CallStream uses of gRPC's, and no more.
    const stream = CallStream.ofClient<In, Out>(call as never, { idleMs });
    this.#open.add(stream);
    const over = () => this.#open.delete(stream);
    call.on('end', over);
    call.on('error', over);
    return stream;
  }

  async #ask<Name extends keyof Unary>(
    name: Name,
    request: Unary[Name]['request'],
    signal?: AbortSignal,
  ): Promise<Unary[Name]['response']> {
    const stream = this.#stream<Unary[Name]['response'], Unary[Name]['request']>(
      this.#call(name),
      this.#deadlines.connectMs,
    );
    const release = onAbort(signal, (error) => stream.abort(error));
    try {
      await stream.send(request as never);
      const answer = await stream.receive();
      if (!answer) throw new SphynxError('protocol/closed', 'the server ended a call without an answer');
      return answer as Unary[Name]['response'];
    } catch (error) {
      throw this.explain(error);
    } finally {
      release();
    }
  }
}
