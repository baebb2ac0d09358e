import { randomBytes } from 'node:crypto';
import { randomSeed } from '../crypto/prg.ts';
import { SphynxError } from '../errors/sphynx-error.ts';
import type { Channel } from '../protocol/channel.ts';
import type { CallStream } from '../transport/call-stream.ts';
import { GrpcChannel } from '../transport/grpc-channel.ts';
import { LOST_BUNDLES } from '../transport/limits.ts';
import type { PreprocessRequests, PreprocessResponses } from '../transport/messages.ts';
import { relay } from '../transport/relay.ts';
import type { CallContext, ServerParts } from './call-context.ts';
import { CountedChannel } from './metrics/counted-channel.ts';
import type { ServedModel } from './models.ts';
import type { PoolSession } from './worker-pool.ts';

type PreprocessStream = CallStream<PreprocessRequests, PreprocessResponses>;

/** One Preprocess call: a session, then bundle after bundle, in the order that the .proto draws. */
export async function preprocess(context: CallContext, stream: PreprocessStream): Promise<void> {
  const { parts, log } = context;
  const hello = await stream.expect('hello');
  const model = parts.models.agree(hello);
  checkCount(hello.count, parts.limits.bundlesPerStream);
  await burnLost(context, hello.lost ?? []);
  parts.pool.queue.checkRoom();
  const name = randomBytes(16).toString('hex');
  const { bundleLifetimeMs } = parts.limits;
  await stream.send({
    accepted: {
      session: name,
      quote: parts.pool.quote(model.identity.hash, model.summary.quote),
      bundleLifetimeSeconds: Math.floor(bundleLifetimeMs / 1000),
    },
  });
  log.info({ session: name, model: model.identity.name, count: hello.count }, 'session accepted');
  const session = parts.pool.openSession(name, context.caller.client);
  try {
    await relay(session.open(), segments(parts, stream), stream.signal);
    for (let bundle = 0; bundle < hello.count; bundle++) {
      if (!(await stream.expectOrEnd('begin'))) break;
      const over = await parts.pool.queue.turn(context.caller.identity, stream.signal);
      try {
        // Anew, because models come and go while clients wait.
        await prepareBundle(context, stream, session, parts.models.agree(hello));
      } finally {
        over();
      }
    }
    stream.end();
  } finally {
    session.close();
  }
}

async function prepareBundle(
  { parts, caller: { client, identity }, log }: CallContext,
  stream: PreprocessStream,
  session: PoolSession,
  { identity: model }: ServedModel,
): Promise<void> {
  const { store, limits } = parts;
  const id = randomBytes(16).toString('hex');
  const seed = randomSeed();
  const start = performance.now();
  const expiresAtMs = await store.create({
    id,
    client,
    identity,
    model,
    seed,
    lifetimeMs: limits.bundleLifetimeMs,
  });
  try {
    await stream.send({ offer: { bundleId: id, expiresAtMs } });
    await relay(session.prepare(model.hash, seed), segments(parts, stream), stream.signal);
    const { bundleId } = await stream.expect('commit');
    if (bundleId !== id)
      throw new SphynxError('protocol/order', 'the commit names another bundle than the one just prepared');
    await store.markReady(id);
  } catch (error) {
    await store.abandon(id);
    throw error;
  } finally {
    seed.fill(0);
  }
  await stream.send({ ready: { bundleId: id } });
  parts.metrics.finished('prepare', model.name, performance.now() - start);
  log.info({ bundle: id }, 'bundle ready');
}

function segments({ metrics }: ServerParts, stream: PreprocessStream): Channel {
  return new CountedChannel(new GrpcChannel(stream), metrics, 'prepare');
}

/** Burns what the client has lost, before it is counted against it. */
async function burnLost({ parts, caller, log }: CallContext, lost: readonly string[]): Promise<void> {
  if (lost.length === 0) return;
  if (lost.length > LOST_BUNDLES)
    throw new SphynxError('protocol/length', `at most ${LOST_BUNDLES} lost bundles are named at once`);
  log.info(
    { lost: lost.length, burned: await parts.store.discard(caller.client, lost) },
    'lost bundles burned',
  );
}

function checkCount(count: number, limit: number): void {
  if (count < 1 || count > limit)
    throw new SphynxError('config/invalid', `one stream prepares 1 to ${limit} bundles, not ${count}`);
}
