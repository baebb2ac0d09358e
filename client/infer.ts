import { asSphynxError, SphynxError } from '../errors/sphynx-error.ts';
import type { Inferred } from '../protocol/online.ts';
import type { Traffic } from '../protocol/plan.ts';
import { StreamChannel } from '../transport/stream-channel.ts';
import { abortedBy, onAbort } from './abort.ts';
import type { SpendingBundle } from './bundle-store.ts';
import type { Connection, InferStream } from './connection.ts';
import type { KnownModel } from './known-models.ts';
import { CLOSE_STREAM_MS } from './limits.ts';
import { MeteredChannel } from './metered-channel.ts';
import { ObservedChannel, type SegmentListener } from './observed-channel.ts';
import type { RoleRunner } from './role-runner.ts';

export interface InferResult extends Inferred {
  /** Time from asking the server to spend the bundle until the result (ms). */
  readonly ms: number;
  readonly traffic: Traffic;
}

/** The server did not accept the bundle, and nothing masked has been sent. */
export class BundleRefused extends SphynxError {
  /** Whether the server may have heard of the bundle. */
  readonly asked: boolean;

  constructor(asked: boolean, ...[code, message, options]: ConstructorParameters<typeof SphynxError>) {
    super(code, message, options);
    this.asked = asked;
  }
}

/**
 * Runs the online phase: asks the server to spend `bundle`, and then classifies `image` (integers at the card's input
 * scale). Throws BundleRefused if the server does not accept the bundle.
 *
 * From the first masked byte on, every ending looks the same to the server: the client closes the stream, and only then
 * tells its caller what happened. A malicious server could otherwise learn from the reaction to a wrong message.
 */
export async function inferOnce(
  connection: Connection,
  thread: RoleRunner,
  model: KnownModel,
  bundle: SpendingBundle,
  image: Int32Array,
  { signal, onSegment }: { signal?: AbortSignal; onSegment?: SegmentListener } = {},
): Promise<InferResult> {
  const start = performance.now();
  const stream = await ask(connection, model, bundle, signal);
  const stop = new AbortController();
  const segments = new StreamChannel(stream);
  const channel = new MeteredChannel(onSegment ? new ObservedChannel(segments, start, onSegment) : segments);
  const release = onAbort(signal, (error) => {
    void stream.close(CLOSE_STREAM_MS);
    stop.abort(error);
  });
  const { card, setting } = model;
  const { path, header } = bundle;
  try {
    const inferred = await thread.play(
      'infer',
      { agreement: { card, setting }, path, body: header.body, image },
      { channel, signal: AbortSignal.any([stop.signal, stream.signal]) },
    );
    return { ...inferred, ms: performance.now() - start, traffic: channel.traffic };
  } catch (error) {
    throw signal?.aborted ? abortedBy(signal) : connection.explain(asSphynxError(error), 'inference');
  } finally {
    release();
    await stream.close(CLOSE_STREAM_MS);
  }
}

/** Opens the call and resolves when the server has spent the bundle. Throws BundleRefused. */
async function ask(
  connection: Connection,
  { card, plan }: KnownModel,
  { header: { bundleId } }: SpendingBundle,
  signal: AbortSignal | undefined,
): Promise<InferStream> {
  let stream: InferStream | undefined;
  let release = () => {};
  try {
    const opened = connection.infer();
    stream = opened;
    release = onAbort(signal, (error) => opened.abort(error));
    await stream.send({ spend: { bundleId, model: card.name, modelHash: card.hash, planHash: plan.hash } });
    await stream.expect('spending');
    return stream;
  } catch (cause) {
    const failure = asSphynxError(cause);
    stream?.abort(failure);
    const { code, message, retryAfterMs } = asSphynxError(connection.explain(failure));
    throw new BundleRefused(stream !== undefined, code, message, { cause, retryAfterMs });
  } finally {
    release();
  }
}
