import { randomBytes } from 'node:crypto';
import { randomSeed } from '../crypto/prg.ts';
import { SphynxError } from '../errors/sphynx-error.ts';
import type { Channel } from '../protocol/channel.ts';
import type { CallStream } from '../transport/call-stream.ts';
import { LOST_BUNDLES } from '../transport/limits.ts';
import type { PreprocessRequests, PreprocessResponses } from '../transport/messages.ts';
import { relay } from '../transport/relay.ts';
import { StreamChannel } from '../transport/stream-channel.ts';
import { allowanceOf } from './allowance.ts';
import type { CallContext } from './call-context.ts';
import { TIMER_MS } from './limits.ts';
import { CountedChannel } from './metrics/counted-channel.ts';
import type { ServedModel } from './models.ts';
import { inSpan } from './tracing.ts';
import type { PoolSession } from './worker-pool.ts';

type PreprocessStream = CallStream<PreprocessRequests, PreprocessResponses>;

/** Handles one Preprocess call: a session, then its bundles one after another, in the order shown in the .proto. */
export async function preprocess(context: CallContext, stream: PreprocessStream): Promise<void> {
  const { parts, log } = context;
  const hello = await stream.expect('hello');
  const model = parts.models.agree(hello);
  checkCount(hello.count, parts.limits.bundlesPerStream);
  await burnLost(context, hello.lost ?? []);
  // A count of 0 asks only for the allowance, which needs no room.
  if (hello.count > 0) {
    parts.memory.checkRoom();
    parts.pool.queue.checkRoom();
  }
  const allowance = allowanceOf(await parts.store.standing(context.caller.identity), parts.limits);
  const name = randomBytes(16).toString('hex');
  const { bundleLifetimeMs } = parts.limits;
  await stream.send({
    accepted: {
      session: name,
      quote: parts.pool.quote(model.identity.hash, model.summary.quote),
      bundleLifetimeSeconds: Math.floor(bundleLifetimeMs / 1000),
      allowance,
    },
  });
  if (hello.count === 0) return stream.end();
  log.info({ session: name, model: model.identity.name, count: hello.count }, 'session accepted');
  const session = parts.pool.openSession(name, context.caller.client);
  try {
    await inSpan('open session', { 'sphynx.session': name }, () =>
      charged(context, 0, stream, (segments) => relay(session.open(), segments, stream.signal)),
    );
    for (let bundle = 0; bundle < hello.count; bundle++) {
      if (!(await stream.expectOrEnd('begin'))) break;
      const over = await inSpan('wait for turn', {}, () =>
        parts.pool.queue.turn(context.caller.identity, stream.signal),
      );
      try {
        parts.memory.checkRoom();
        // Looked up again, because models may change while clients wait.
        const model = parts.models.agree(hello);
        const { offlineBytes } = model.summary.quote;
        await inSpan('prepare bundle', { 'sphynx.model': model.identity.name }, () =>
          charged(context, offlineBytes, stream, (segments) =>
            inTime(context, offlineBytes, stream, () =>
              context.piece(() => prepareBundle(context, stream, segments, session, model)),
            ),
          ),
        );
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
  { parts, caller, log }: CallContext,
  stream: PreprocessStream,
  segments: Channel,
  session: PoolSession,
  { identity: model, needsDelta }: ServedModel,
): Promise<void> {
  const { store, limits } = parts;
  const id = randomBytes(16).toString('hex');
  const seed = randomSeed();
  const start = performance.now();
  const expiresAtMs = await store.create({
    ...caller,
    id,
    model,
    secrets: { seed, delta: needsDelta ? await session.delta : null },
    lifetimeMs: limits.bundleLifetimeMs,
  });
  try {
    await stream.send({ offer: { bundleId: id, expiresAtMs } });
    await relay(session.prepare(model.hash, seed), segments, stream.signal);
    const { bundleId } = await stream.expect('commit');
    if (bundleId !== id)
      throw new SphynxError('protocol/order', 'the commit names another bundle than the one just prepared');
    await store.markReady(id);
  } catch (error) {
    await store.abandon(id).catch((err: unknown) => log.warn({ err, bundle: id }, 'could not drop a bundle'));
    throw error;
  } finally {
    seed.fill(0);
  }
  await stream.send({ ready: { bundleId: id } });
  parts.metrics.finished('prepare', model.name, performance.now() - start);
  log.info({ bundle: id }, 'bundle ready');
}

/** Runs `work`, which moves `bytes`, and ends the stream if it is slower than a preparation may be. */
async function inTime(
  { parts: { limits } }: CallContext,
  bytes: number,
  stream: PreprocessStream,
  work: () => Promise<void>,
): Promise<void> {
  const ms = limits.idleMs + (1000 * bytes) / limits.slowestBytesPerSecond;
  const late = () =>
    stream.abort(
      new SphynxError(
        'protocol/deadline',
        `a bundle of ${bytes} bytes may be in work for ${Math.round(ms)} ms on this server: is the link slower than ${limits.slowestBytesPerSecond} bytes per second?`,
      ),
    );
  const timer = setTimeout(late, Math.min(ms, TIMER_MS));
  await work().finally(() => clearTimeout(timer));
}

/** Runs `work`, which will move `price` bytes on the given segments, and charges them to the caller. */
async function charged(
  { parts, caller }: CallContext,
  price: number,
  stream: PreprocessStream,
  work: (segments: Channel) => Promise<void>,
): Promise<void> {
  const segments = new CountedChannel(new StreamChannel(stream), parts.metrics, 'prepare');
  const settle = parts.bytes.charge(caller.identity, price);
  await work(segments).finally(() => settle(segments.bytes));
}

/** Burns the bundles that the client has lost, before they count against it. */
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
  if (count > limit)
    throw new SphynxError(
      'config/invalid',
      `one stream prepares 1 to ${limit} bundles, not ${count}: open another stream for more`,
    );
}
