import { randomBytes } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import type { ServerDuplexStream, sendUnaryData, UntypedServiceImplementation } from '@grpc/grpc-js';
import { asSphynxError, SphynxError } from '../errors/sphynx-error.ts';
import type { CallStream } from '../transport/call-stream.ts';
import { serverStream } from '../transport/grpc/server-stream.ts';
import { toStatus } from '../transport/grpc/to-status.ts';
import type {
  GetModelCardRequest,
  InferRequests,
  InferResponses,
  ListModelsRequest,
  OneOf,
  PreprocessRequests,
  PreprocessResponses,
  Quote,
  Received,
} from '../transport/messages.ts';
import { checkReadable } from '../transport/readable.ts';
import { Admission } from './admission/admission.ts';
import type { CallContext, ServerParts } from './call-context.ts';
import { logFailure } from './call-log.ts';
import { callerOf } from './client-identity.ts';
import type { Credentials } from './identity/identification.ts';
import { infer } from './infer.ts';
import { INFERENCE_RETRY_MS, STOPPING_RETRY_MS } from './limits.ts';
import { preprocess } from './preprocess.ts';
import { inSpan } from './tracing.ts';

/** A call of one request and one response. */
type UnaryCall<Request> = Credentials & Peer & { readonly request: Request };

/** The origin of a call. */
interface Peer {
  /** `HOST:PORT`. */
  getPeer(): string;
}

/** Admission and longest duration of one kind of stream. */
interface StreamKind {
  readonly method: string;
  readonly admission: Admission;
  /** Read when a stream begins. */
  readonly totalMs: () => number;
  readonly open: Set<OpenCall>;
}

/** A stream, with its pieces of work that a stopping server allows to finish. */
interface OpenCall {
  readonly abort: (error: SphynxError) => void;
  pieces: number;
}

/** The four calls of `sphynx.v1.PrivateInference`: admission, deadlines, errors and log lines around the work itself. */
export class PrivateInferenceService {
  readonly #parts: ServerParts;
  readonly #preprocess: StreamKind;
  readonly #infer: StreamKind;
  #stopping = false;

  constructor(parts: ServerParts) {
    this.#parts = parts;
    const { limits } = parts;
    this.#preprocess = {
      method: 'Preprocess',
      admission: new Admission(
        'preparations',
        () => ({ inAll: limits.sessions, perClient: limits.sessionsPerClient }),
        () => parts.pool.queue.retryAfterMs,
      ),
      totalMs: () => limits.sessionMs,
      open: new Set(),
    };
    this.#infer = {
      method: 'Infer',
      admission: new Admission(
        'inferences',
        () => ({ inAll: limits.inferences, perClient: limits.inferencesPerClient }),
        () => INFERENCE_RETRY_MS,
      ),
      totalMs: () => limits.inferenceMs,
      open: new Set(),
    };
  }

  /** For `Server.addService`. */
  get implementation(): UntypedServiceImplementation {
    const { models } = this.#parts;
    return {
      listModels: (call: UnaryCall<ListModelsRequest>, callback: sendUnaryData<unknown>) =>
        this.#answer('ListModels', call, callback, () => ({
          models: models.all.map(({ summary }) => this.#quoted(summary.hash, summary)),
          serverTimeMs: Date.now(),
        })),
      getModelCard: (call: UnaryCall<GetModelCardRequest>, callback: sendUnaryData<unknown>) =>
        this.#answer('GetModelCard', call, callback, ({ model }) => {
          const { card } = models.get(model);
          return this.#quoted(card.modelHash, card);
        }),
      preprocess: (call: ServerDuplexStream<Received<PreprocessRequests>, OneOf<PreprocessResponses>>) =>
        this.#serve(this.#preprocess, call, preprocess),
      infer: (call: ServerDuplexStream<Received<InferRequests>, OneOf<InferResponses>>) =>
        this.#serve(this.#infer, call, infer),
    };
  }

  /**
   * Refuses new streams, and ends preparations between two bundles. Running preparations and inferences have `graceMs`
   * to finish. Calls `drain` once no inference is running, and at the end of the grace period at the latest: after a
   * GOAWAY, gRPC's next ping fails and cuts the connection in the middle of its calls (grpc-node issue 3068). A
   * preparation can begin again elsewhere; an inference cannot.
   */
  async stop(graceMs: number, drain: () => void): Promise<void> {
    this.#stopping = true;
    for (const call of [...this.#preprocess.open]) if (call.pieces === 0) call.abort(stopping());
    const patience = new AbortController();
    const over = delay(graceMs, undefined, { signal: patience.signal }).catch(() => {});
    const inferred = this.#infer.admission.idle();
    const finished = Promise.all([inferred, this.#preprocess.admission.idle()]);
    finished.then(() => patience.abort());
    await Promise.race([inferred, over]);
    drain();
    await over;
    for (const { open } of [this.#preprocess, this.#infer])
      for (const call of [...open]) call.abort(stopping());
    await finished;
  }

  #quoted<Priced extends { quote: Quote }>(hash: string, priced: Priced): Priced {
    return { ...priced, quote: this.#parts.pool.quote(hash, priced.quote) };
  }

  async #answer<Request>(
    method: string,
    call: UnaryCall<Request>,
    callback: sendUnaryData<unknown>,
    body: (request: Request) => unknown,
  ): Promise<void> {
    const started = performance.now();
    let log = this.#parts.logger.child({ request: newRequest(), method });
    try {
      const proved = await this.#parts.access.identify(call);
      log = log.child({ identity: proved.label });
      callback(null, body(checkReadable(call.request)));
      log.info({ ms: Math.round(performance.now() - started) }, 'call finished');
    } catch (error) {
      const failure = asSphynxError(error);
      this.#parts.metrics.refused(method, failure.code);
      logFailure(log, failure, call.getPeer());
      callback(toStatus(failure));
    }
  }

  async #serve<In, Out>(
    kind: StreamKind,
    call: ServerDuplexStream<Received<In>, OneOf<Out>>,
    work: (context: CallContext, stream: CallStream<In, Out>) => Promise<void>,
  ): Promise<void> {
    const started = performance.now();
    const stream = serverStream<In, Out>(call, { idleMs: this.#parts.limits.idleMs });
    const request = newRequest();
    let log = this.#parts.logger.child({ request, method: kind.method });
    const totalMs = kind.totalMs();
    const timer = setTimeout(() => stream.abort(tooLong(kind.method, totalMs)), totalMs);
    const open: OpenCall = { abort: (error) => stream.abort(error), pieces: 0 };
    const piece = async <Result>(work: () => Promise<Result>): Promise<Result> => {
      open.pieces++;
      try {
        return await work();
      } finally {
        open.pieces--;
        if (this.#stopping && kind === this.#preprocess) stream.abort(stopping());
      }
    };
    let leave: (() => void) | undefined;
    try {
      const proved = await this.#parts.access.identify(call);
      if (this.#stopping) throw stopping();
      const caller = callerOf(proved, call.metadata);
      // Enough of the hash to follow one client through the log.
      log = log.child({ identity: proved.label, client: caller.client.slice(0, 8) });
      leave = kind.admission.enter(caller.identity);
      kind.open.add(open);
      await inSpan(kind.method, { 'sphynx.request': request }, () =>
        work({ parts: this.#parts, caller, log, piece }, stream),
      );
      log.info({ ms: Math.round(performance.now() - started) }, 'call finished');
    } catch (error) {
      const failure = asSphynxError(error);
      stream.abort(failure);
      this.#parts.metrics.refused(kind.method, failure.code);
      logFailure(log, failure, call.getPeer());
    } finally {
      clearTimeout(timer);
      kind.open.delete(open);
      leave?.();
    }
  }
}

/** Names a call in the log. */
function newRequest(): string {
  return randomBytes(6).toString('hex');
}

function stopping(): SphynxError {
  return new SphynxError('server/stopping', 'the server is shutting down; try again later or elsewhere', {
    retryAfterMs: STOPPING_RETRY_MS,
  });
}

function tooLong(method: string, totalMs: number): SphynxError {
  return new SphynxError('protocol/deadline', `a ${method} call may last ${totalMs} ms on this server`);
}
