/** The calls that the worker that runs the client answers to the page. */
import type { BundleHeader } from '../client/bundle-header.ts';
import type { Classification } from '../client/classify.ts';
import type { RawImage } from '../client/image.ts';
import type { Deadlines } from '../client/limits.ts';
import type { PassedSegment } from '../client/observed-channel.ts';
import type { PrepareProgress } from '../client/prepare.ts';
import type { ValuesInput } from '../client/values.ts';
import type { ModelCard } from '../model/card.ts';
import type { ModelSummary } from '../transport/messages.ts';

/** Signals and listeners stay on the page. */
export interface WorkerCalls {
  /** Shows that the worker is not computing without a pause. */
  ping: { given: undefined };
  /** Sets the bearer token for subsequent calls. */
  token: { given: string };
  /** `warmUp`: whether to rehearse inferences. */
  connect: {
    given: { address: string; token?: string; deadlines: Deadlines; warmUp: boolean };
    result: { durable: boolean };
  };
  models: { given: undefined; result: ModelSummary[] };
  modelCard: { given: { model?: string }; result: ModelCard };
  prepare: { given: { model?: string; count: number }; result: BundleHeader[]; event: PrepareProgress };
  /** `watched`: whether segments are reported. */
  classify: {
    given: { model?: string; input: RawImage | ValuesInput; topK?: number; watched: boolean };
    result: Classification;
    event: PassedSegment;
  };
  bundles: { given: { model?: string }; result: BundleHeader[] };
  /** Those that are set aside. */
  setAsideBundles: { given: undefined; result: BundleHeader[] };
  confirmBundles: { given: undefined; result: number };
  clear: { given: undefined; result: number };
}
