import { SphynxError } from '../errors/sphynx-error.ts';
import { CallStream } from '../transport/call-stream.ts';
import type {
  GetModelCardRequest,
  GetModelCardResponse,
  ListModelsResponse,
  ModelSummary,
} from '../transport/messages.ts';
import { ClientCall } from '../transport/web/client-call.ts';
import type { CallName } from '../transport/web/schema.ts';
import { onAbort } from './abort.ts';
import type { Security } from './address.ts';
import type {
  BearerToken,
  InferStream,
  Connection as NodeConnection,
  PreprocessStream,
} from './connection.ts';
import type { Deadlines } from './limits.ts';
import { readSummaries } from './summaries.ts';

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

  async ensureReady(signal?: AbortSignal): Promise<void> {
    await this.listModels(signal);
  }

  get planMs(): number {
    return this.#deadlines.planMs;
  }

  get queueMs(): number {
    return this.#deadlines.queueMs;
  }

  preprocess(): PreprocessStream {
    return this.#stream('Preprocess', this.#deadlines.idleMs);
  }

  infer(): InferStream {
    return this.#stream('Infer', this.#deadlines.idleMs);
  }

  close(): void {
    const closed = new SphynxError('aborted', 'the client was closed');
    for (const stream of [...this.#open]) stream.abort(closed);
  }

  explain(error: unknown): unknown {
    if (!(error instanceof SphynxError) || error.code !== 'server/unreachable') return error;
    return new SphynxError(
      error.code,
      `cannot reach a server at ${this.address}: it is off, or does not serve pages from here`,
      { cause: error },
    );
  }

  #stream<In, Out>(name: CallName, idleMs: number): CallStream<In, Out> {
    const bearer = typeof this.#bearer === 'function' ? this.#bearer() : this.#bearer;
    const call = new ClientCall(name, { url: this.address, client: this.#token, bearer });
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
      name,
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
