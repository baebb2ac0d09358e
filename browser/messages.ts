/** What the page and the worker that runs the client say to each other. */
import type { BundleHeader } from '../client/bundle-header.ts';
import type { Classification } from '../client/classify.ts';
import type { RawImage } from '../client/image.ts';
import type { Deadlines } from '../client/limits.ts';
import type { PassedSegment } from '../client/observed-channel.ts';
import type { PrepareProgress } from '../client/prepare.ts';
import type { ValuesInput } from '../client/values.ts';
import type { ModelCard } from '../model/card.ts';
import type { ModelSummary } from '../transport/messages.ts';

/** What the worker can be asked for, with what it gives back. Signals and listeners stay on the page. */
export interface Requests {
  connect: { with: { address: string; token?: string; deadlines: Deadlines }; gives: { durable: boolean } };
  models: { with: undefined; gives: ModelSummary[] };
  modelCard: { with: { model?: string }; gives: ModelCard };
  prepare: { with: { model?: string; count: number }; gives: BundleHeader[] };
  /** `watched`: whether segments are told. */
  classify: {
    with: { model?: string; input: RawImage | ValuesInput; topK?: number; watched: boolean };
    gives: Classification;
  };
  bundles: { with: { model?: string }; gives: BundleHeader[] };
  clear: { with: undefined; gives: number };
}

export type RequestName = keyof Requests;

export type ToWorker =
  | { readonly type: 'request'; readonly id: number; readonly name: RequestName; readonly with: unknown }
  /** The bearer token that is valid from now on. */
  | { readonly type: 'token'; readonly token: string }
  | { readonly type: 'abort'; readonly id: number };

export type FromWorker =
  | { readonly type: 'result'; readonly id: number; readonly result: unknown }
  | { readonly type: 'progress'; readonly id: number; readonly progress: PrepareProgress }
  | { readonly type: 'segment'; readonly id: number; readonly segment: PassedSegment }
  | {
      readonly type: 'failure';
      readonly id: number;
      readonly code: string;
      readonly message: string;
      readonly retryAfterMs?: number;
    };
