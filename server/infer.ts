import type { CallStream } from '../transport/call-stream.ts';
import { GrpcChannel } from '../transport/grpc-channel.ts';
import type { InferRequests, InferResponses } from '../transport/messages.ts';
import { relay } from '../transport/relay.ts';
import type { CallContext } from './call-context.ts';

/**
 * One Infer call. The bundle is spent, durably, before the first byte of the online phase leaves; whatever
 * happens afterwards, it stays spent.
 */
export async function infer(
  { parts, client, log }: CallContext,
  stream: CallStream<InferRequests, InferResponses>,
): Promise<void> {
  const { models, store, pool } = parts;
  const spend = await stream.expect('spend');
  const { identity } = models.agree(spend);
  const seed = await store.spend({ id: spend.bundleId, client, model: identity });
  log.info({ bundle: spend.bundleId, model: identity.name }, 'bundle spending');
  try {
    await stream.send({ spending: {} });
    const { channel, release } = pool.infer(identity.name, seed);
    try {
      await relay(channel, new GrpcChannel(stream), stream.signal);
    } finally {
      release();
    }
    stream.end();
  } finally {
    seed.fill(0);
    await store.markSpent(spend.bundleId);
  }
}
