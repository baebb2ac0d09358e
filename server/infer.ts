import { asSphynxError, SphynxError } from '../errors/sphynx-error.ts';
import type { CallStream } from '../transport/call-stream.ts';
import type { InferRequests, InferResponses } from '../transport/messages.ts';
import { relay } from '../transport/relay.ts';
import { StreamChannel } from '../transport/stream-channel.ts';
import type { CallContext } from './call-context.ts';
import { CountedChannel } from './metrics/counted-channel.ts';
import { forget } from './store/record-cipher.ts';
import { inSpan } from './tracing.ts';

const SPENT_AGAIN =
  'a client asked for a spent bundle: was its state folder copied, or restored from a backup?';

/** Characters of an id that a trace keeps. Ours have no more; a caller may send a megabyte. */
const ID_CHARACTERS = 32;

/**
 * Handles one Infer call. The bundle is durably spent before the first byte of the online phase leaves, and stays spent
 * whatever happens afterwards. The client sends nothing masked before `spending`, so a refusal costs it nothing, even
 * if a copy of its folder had spent the bundle.
 */
export async function infer(
  { parts, caller, log }: CallContext,
  stream: CallStream<InferRequests, InferResponses>,
): Promise<void> {
  const { models, store, pool, metrics } = parts;
  const spend = await stream.expect('spend');
  const { identity: model, summary } = models.agree(spend);
  const segments = new CountedChannel(new StreamChannel(stream), metrics, 'infer');
  pool.checkOnline();
  const settle = parts.bytes.charge(caller.identity, summary.quote.onlineBytes);
  const bundle = spend.bundleId.slice(0, ID_CHARACTERS);
  const secrets = await inSpan('spend bundle', { 'sphynx.bundle': bundle }, () =>
    store.spend({ ...caller, id: spend.bundleId, model }),
  ).catch((error) => {
    settle(0);
    if (asSphynxError(error).code === 'bundle/spent') log.warn({ bundle: spend.bundleId }, SPENT_AGAIN);
    throw error;
  });
  log.info({ bundle: spend.bundleId, model: model.name }, 'bundle spending');
  try {
    const start = performance.now();
    await stream.send({ spending: {} });
    const { channel, release } = pool.infer(model.hash, secrets);
    try {
      await inSpan('run online phase', { 'sphynx.model': model.name }, () =>
        relay(channel, segments, stream.signal),
      );
    } finally {
      release();
    }
    metrics.finished('infer', model.name, performance.now() - start);
    stream.end();
  } catch (error) {
    throw afterSpending(asSphynxError(error));
  } finally {
    forget(secrets);
    settle(segments.bytes);
    // A record left in `spending` is as burned as one in `spent`, so this does not fail a completed inference.
    await store
      .markSpent(spend.bundleId)
      .catch((err: unknown) => log.warn({ err }, 'could not record a spent bundle'));
  }
}

/**
 * The error that a client may see before it has read `spending`. A code that says that nothing has happened would make
 * it keep the bundle, and take the refusal of its next use for a copied folder.
 */
function afterSpending(error: SphynxError): SphynxError {
  if (error.code !== 'server/busy' && error.code !== 'server/stopping') return error;
  const { message, retryAfterMs } = error;
  return new SphynxError('protocol/closed', `${message}; the bundle is spent`, {
    cause: error,
    retryAfterMs,
  });
}
