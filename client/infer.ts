import { asSphynxError, SphynxError } from '../errors/sphynx-error.ts';
import type { Channel } from '../protocol/channel.ts';
import type { Inferred } from '../protocol/online.ts';
import type { Traffic } from '../protocol/plan.ts';
import type { Segment } from '../protocol/segment.ts';
import { GrpcChannel } from '../transport/grpc-channel.ts';
import { onAbort } from './abort.ts';
import type { SpendingBundle } from './bundle-store.ts';
import type { Connection, InferStream } from './connection.ts';
import { farewell } from './farewell.ts';
import type { KnownModel } from './known-models.ts';
import { MeteredChannel } from './metered-channel.ts';
import { ObservedChannel, type SegmentListener } from './observed-channel.ts';
import type { RoleThread } from './role-thread.ts';

export interface InferResult extends Inferred {
  /** From the first byte sent to the result (ms). */
  readonly ms: number;
  readonly traffic: Traffic;
}

/** An inference broke off before the server accepted its bundle, for a reason that another bundle may not meet. */
export class BundleRefused extends SphynxError {}

const WORTH_ANOTHER_TRY: readonly string[] = [
  'bundle/unknown',
  'bundle/spent',
  'bundle/expired',
  'bundle/corrupt',
  'server/unreachable',
  'protocol/closed',
];

/**
 * The online phase: spends `bundle` on `image` (integers at the card's input scale). The bundle is used up
 * whatever happens. Throws BundleRefused where a fresh bundle is worth a try.
 */
export async function inferOnce(
  connection: Connection,
  thread: RoleThread,
  { card, setting, plan }: KnownModel,
  { header, path }: SpendingBundle,
  image: Int32Array,
  { signal, onSegment }: { signal?: AbortSignal; onSegment?: SegmentListener } = {},
): Promise<InferResult> {
  const start = performance.now();
  const stream = connection.infer();
  const release = onAbort(signal, (error) => stream.abort(error));
  const accepting = new AcceptingChannel(stream);
  const channel = new MeteredChannel(
    onSegment ? new ObservedChannel(accepting, start, onSegment) : accepting,
  );
  try {
    const { bundleId } = header;
    await stream.send({ spend: { bundleId, model: card.name, modelHash: card.hash, planHash: plan.hash } });
    const network = { channel, signal: stream.signal };
    const inferred = await thread.play(
      'infer',
      { agreement: { card, setting }, path, body: header.body, image },
      network,
    );
    const ms = performance.now() - start;
    await farewell(stream);
    return { ...inferred, ms, traffic: channel.traffic };
  } catch (cause) {
    const error = asSphynxError(cause);
    stream.abort(error);
    if (!accepting.accepted && WORTH_ANOTHER_TRY.includes(error.code))
      throw new BundleRefused(error.code, error.message, { cause });
    throw connection.explain(error, accepting.accepted ? 'inference' : undefined);
  } finally {
    release();
  }
}

/** The segments of an Infer stream. The first message from the server is its word that the bundle is accepted. */
class AcceptingChannel implements Channel {
  readonly #stream: InferStream;
  readonly #segments: Channel;
  #accepted = false;

  constructor(stream: InferStream) {
    this.#stream = stream;
    this.#segments = new GrpcChannel(stream);
  }

  get accepted(): boolean {
    return this.#accepted;
  }

  send(segment: Segment): Promise<void> {
    return this.#segments.send(segment);
  }

  async receive(): Promise<Segment> {
    if (!this.#accepted) await this.#stream.expect('spending');
    this.#accepted = true;
    return this.#segments.receive();
  }
}
