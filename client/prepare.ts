import { asSphynxError, SphynxError } from '../errors/sphynx-error.ts';
import { BUNDLES_PER_SESSION } from '../protocol/bundle.ts';
import type { Traffic } from '../protocol/plan.ts';
import { StreamChannel } from '../transport/stream-channel.ts';
import { onAbort } from './abort.ts';
import { type Allowance, checkAllowance, readAllowance } from './allowance.ts';
import type { BundleHeader } from './bundle-header.ts';
import type { BundleStore } from './bundle-store.ts';
import type { Connection } from './connection.ts';
import type { KnownModel } from './known-models.ts';
import { ATTEMPTS, CLOSE_STREAM_MS, RECONNECT_PAUSE_MS } from './limits.ts';
import { MeteredChannel } from './metered-channel.ts';
import { Preparation } from './preparation.ts';
import { RetryBudget } from './retry-budget.ts';
import type { RunnerPool } from './role-runner.ts';

/** Progress of a preparation. */
export interface PrepareProgress {
  /** Bundles that are ready. */
  readonly ready: number;
  /** Bundles to prepare in total. */
  readonly count: number;
  /** Payload of both directions so far (bytes). */
  readonly bytes: number;
  /** Payload of the whole preparation (bytes). */
  readonly totalBytes: number;
}

/** The parts of the client that a preparation uses. */
export interface PrepareParts {
  readonly connection: Connection;
  readonly store: BundleStore;
  readonly threads: RunnerPool;
}

export interface PrepareTask {
  readonly model: KnownModel;
  /** Bundles to prepare, at least 1. */
  readonly count: number;
  /** Whether to begin only if the server's limits and the disk have room for all of them. */
  readonly whole?: boolean;
  readonly onProgress?: (progress: PrepareProgress) => void;
  readonly signal?: AbortSignal;
}

/**
 * Runs the offline phase: prepares `count` bundles, each ready and on disk before the next begins, with a new session
 * for each BUNDLES_PER_SESSION of them. If it is interrupted, ready bundles stay and the unfinished one is removed. A
 * busy server is asked again when it suggests. If a connection breaks, the preparation continues over the next one,
 * perhaps at another server, unless ATTEMPTS connections break without a bundle in between.
 */
export async function prepareBundles(parts: PrepareParts, task: PrepareTask): Promise<BundleHeader[]> {
  const { plan } = task.model;
  const { count, onProgress = () => {} } = task;
  const streams = Math.ceil(count / BUNDLES_PER_SESSION);
  const totalBytes = streams * total(plan.sessionBytes) + count * total(plan.offlineBytes);
  const bundles: BundleHeader[] = [];
  if (task.whole) await parts.store.checkRoom(count * plan.bundleBytes);
  const onAccepted = (allowance: Allowance | undefined) => {
    if (task.whole) checkAllowance(allowance, count - bundles.length, parts.connection.queueMs);
  };
  let earlier = 0;
  let broken = 0;
  const budget = new RetryBudget(parts.connection.queueMs);
  while (bundles.length < count) {
    const before = bundles.length;
    const part = Math.min(BUNDLES_PER_SESSION, count - before);
    let moved = 0;
    const report = (bytes: number) => {
      moved = bytes;
      onProgress({
        ready: bundles.length,
        count,
        bytes: Math.min(earlier + bytes, totalBytes),
        totalBytes,
      });
    };
    try {
      const listeners = {
        onAsk: () => budget.begin(),
        onAccepted,
        onReady: (bundle: BundleHeader) => bundles.push(bundle),
        onBytes: report,
      };
      earlier += await prepareOnOneStream(parts, task, part, listeners);
    } catch (error) {
      const made = bundles.length - before;
      earlier += made * total(plan.offlineBytes);
      if (made > 0) broken = 0;
      const broke = moved > 0 && isBreak(asSphynxError(error), moved);
      if (broke && ++broken === ATTEMPTS) throw error;
      if (broke || made > 0) budget.begin();
      await budget.wait(error, task.signal);
    }
  }
  return bundles;
}

interface StreamListeners {
  readonly onAsk: () => void;
  readonly onAccepted: (allowance: Allowance | undefined) => void;
  readonly onReady: (bundle: BundleHeader) => void;
  readonly onBytes: (bytes: number) => void;
}

/** Prepares bundles on one stream. Returns the bytes moved. */
async function prepareOnOneStream(
  { connection, store, threads }: PrepareParts,
  { model, signal }: PrepareTask,
  count: number,
  { onAsk, onAccepted, onReady, onBytes }: StreamListeners,
): Promise<number> {
  return threads.with(signal, async (thread) => {
    await thread.call('load', { agreement: { card: model.card, setting: model.setting } });
    await connection.ensureReady(signal);
    onAsk();
    const stream = connection.preprocess();
    const release = onAbort(signal, (error) => stream.abort(error));
    const channel = new MeteredChannel(new StreamChannel(stream), () => onBytes(total(channel.traffic)));
    try {
      const preparation = new Preparation(stream, channel, thread, store, model);
      await preparation.open(count, onAccepted);
      for (let i = 0; i < count; i++) {
        onReady(await preparation.prepare());
        onBytes(total(channel.traffic));
      }
      await preparation.end();
      return total(channel.traffic);
    } catch (error) {
      const known = asSphynxError(error);
      stream.abort(known);
      const moved = total(channel.traffic);
      throw connection.explain(
        isBreak(known, moved) ? tryAgain(known) : known,
        moved > 0 ? 'preparation' : undefined,
      );
    } finally {
      release();
    }
  });
}

/** Marks a broken connection, as when its server dies, as worth a retry. */
function tryAgain(error: SphynxError): SphynxError {
  return new SphynxError(error.code, error.message, { cause: error, retryAfterMs: RECONNECT_PAUSE_MS });
}

/**
 * Whether a connection broke. WebSockets and damaged connections report 'protocol/closed'; before any payload has
 * moved, that code comes from the server itself.
 */
function isBreak({ code }: SphynxError, moved: number): boolean {
  return code === 'server/unreachable' || (code === 'protocol/closed' && moved > 0);
}

function total({ up, down }: Traffic): number {
  return up + down;
}

/** Asks for the server's allowance; undefined for servers that do not send one. Prepares nothing. */
export async function askAllowance(
  { connection }: Pick<PrepareParts, 'connection'>,
  { card, plan }: KnownModel,
  signal: AbortSignal | undefined,
): Promise<Allowance | undefined> {
  await connection.ensureReady(signal);
  const stream = connection.preprocess();
  const release = onAbort(signal, (error) => stream.abort(error));
  try {
    const hello = { model: card.name, modelHash: card.hash, planHash: plan.hash, count: 0 };
    await stream.send({ hello });
    const { allowance } = await stream.expect('accepted');
    await stream.close(CLOSE_STREAM_MS);
    return readAllowance(allowance);
  } catch (error) {
    stream.abort(asSphynxError(error));
    throw connection.explain(error);
  } finally {
    release();
  }
}
