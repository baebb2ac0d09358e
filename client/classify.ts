import { SphynxError } from '../errors/sphynx-error.ts';
import type { OutputHead } from '../model/head.ts';
import type { LayerTiming } from '../protocol/online.ts';
import type { Traffic } from '../protocol/plan.ts';
import { checkAborted } from './abort.ts';
import type { BundleHeader } from './bundle-header.ts';
import type { BundleStore, SpendingBundle } from './bundle-store.ts';
import type { Connection } from './connection.ts';
import { BundleRefused, type InferResult, inferOnce } from './infer.ts';
import { type ClassifyInput, prepareInput } from './input.ts';
import type { KnownModel } from './known-models.ts';
import { ATTEMPTS } from './limits.ts';
import type { SegmentListener } from './observed-channel.ts';
import { type NextStep, putAway } from './refused-bundle.ts';
import { RetryBudget } from './retry-budget.ts';
import type { RunnerPool } from './role-runner.ts';
import { realLogits, type Score, scoresOf, topClasses } from './scores.ts';

/** Result and cost of a private classification. */
export interface Classification {
  /** Name of the model that answered. */
  readonly model: string;
  /** Meaning of the outputs, and thus of `top`. */
  readonly head: OutputHead;
  /** The likeliest classes, the likeliest first; the labels with their own probabilities; or the values. */
  readonly top: readonly Score[];
  /**
   * All outputs of the network, in the order of the card's labels; empty if the server withholds them (`output` of the
   * card).
   */
  readonly logits: Float64Array;
  /** Wall times on the client (ms). */
  readonly timings: {
    /** Time of the bundle's earlier preparation (ms). */
    readonly offlineMs: number;
    /** Time from asking the server to spend the bundle until the result (ms). */
    readonly onlineMs: number;
    /** Times of each layer with a round trip, and of the logits at the end. */
    readonly layers: readonly LayerTiming[];
  };
  /** Payload (bytes; up is to the server). */
  readonly bytes: {
    /** Payload of preparing the bundle. */
    readonly offline: Traffic;
    /** Payload of this inference. */
    readonly online: Traffic;
  };
  /** Round trips of the online phase. */
  readonly rounds: number;
  /** The bundle that was spent. */
  readonly bundleId: string;
}

/** The parts of the client that a classification uses. */
export interface ClassifyParts {
  readonly connection: Connection;
  readonly store: BundleStore;
  readonly threads: RunnerPool;
}

export interface ClassifyTask {
  readonly model: KnownModel;
  readonly input: ClassifyInput;
  /** Entries in `top`; the head has a default. */
  readonly topK?: number;
  /** Called if no bundle is ready; should prepare one. */
  readonly onNoBundle: () => Promise<void>;
  /** Whether a pool prepares bundles: then others of this client may take several before this call gets one. */
  readonly pooled: boolean;
  readonly onSegment?: SegmentListener;
  readonly signal?: AbortSignal;
}

interface Inference {
  readonly result: InferResult;
  readonly header: BundleHeader;
}

/** Classifies one input. No bundle is touched before the input is checked and the server answers. */
export async function classifyImage(parts: ClassifyParts, task: ClassifyTask): Promise<Classification> {
  const { model, topK, signal } = task;
  const { card, plan } = model;
  const input = await prepareInput(task.input, card);
  checkAborted(signal);
  const { result, header } = await infer(parts, task, input);
  const logits = realLogits(card, result.logits);
  const { ms: offlineMs, up, down } = header.offline;
  return {
    model: card.name,
    head: card.head,
    top:
      card.output === 'logits' ? scoresOf(card, logits, topK) : topClasses(card.labels, result.classes, topK),
    logits,
    timings: { offlineMs, onlineMs: result.ms, layers: result.layers },
    bytes: { offline: { up, down }, online: result.traffic },
    rounds: plan.rounds,
    bundleId: header.bundleId,
  };
}

/** Tries bundles until the server accepts one. Nothing masked leaves before this, and nothing is retried after it. */
async function infer(parts: ClassifyParts, task: ClassifyTask, image: Int32Array): Promise<Inference> {
  const budget = new RetryBudget(parts.connection.queueMs);
  for (let attempt = 1; ; ) {
    const outcome = await inferWithFreshBundle(parts, task, image, () => budget.begin());
    if ('failure' in outcome) throw outcome.failure;
    if (!('refusal' in outcome)) return outcome;
    const { refusal, next } = outcome;
    if (next === 'wait') await budget.wait(refusal, task.signal);
    else if (next === 'fail' || attempt++ === ATTEMPTS) throw refusal;
  }
}

/**
 * Takes a bundle and spends it, unless the server refuses it. An inference whose role failed by itself is returned as a
 * failure, not thrown, so that its thread stays for the next one. A malicious server could otherwise tell from how late
 * the next inference answers whether its labels decoded to a class.
 */
async function inferWithFreshBundle(
  { connection, store, threads }: ClassifyParts,
  { model, onNoBundle, pooled, onSegment, signal }: ClassifyTask,
  image: Int32Array,
  onAsk: () => void,
): Promise<Inference | { failure: unknown } | { refusal: BundleRefused; next: NextStep }> {
  let bundle: SpendingBundle | undefined;
  let putBack = false;
  try {
    return await threads.with(signal, async (thread) => {
      await thread.call('load', { agreement: { card: model.card, setting: model.setting } });
      await connection.ensureReady(signal);
      bundle = await takeBundle(store, model, onNoBundle, pooled ? Number.POSITIVE_INFINITY : ATTEMPTS);
      onAsk();
      try {
        const result = await inferOnce(connection, thread, model, bundle, image, { signal, onSegment });
        return { result, header: bundle.header };
      } catch (error) {
        if (!(error instanceof BundleRefused)) {
          if (thread.playing) throw error;
          return { failure: error };
        }
        const next = await putAway(store, bundle, error);
        putBack = true;
        return { refusal: error, next };
      }
    });
  } finally {
    // Only once the thread has stopped reading the file.
    if (!putBack) await bundle?.burn();
  }
}

async function takeBundle(
  store: BundleStore,
  { card, plan }: KnownModel,
  onNoBundle: () => Promise<void>,
  attempts: number,
): Promise<SpendingBundle> {
  for (let attempt = 1; attempt <= attempts; attempt++) {
    const bundle = await store.take(card.hash, plan.hash);
    if (bundle) return bundle;
    await onNoBundle();
  }
  throw new SphynxError(
    'bundle/none',
    'other processes take every bundle that becomes ready; prepare more of them',
  );
}
