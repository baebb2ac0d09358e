import type { MessagePort } from 'node:worker_threads';
import type { Inferred } from '../protocol/online.ts';
import type { Agreement, Plan } from '../protocol/plan.ts';
import type { BundleBody } from './bundle-header.ts';

/** What the main thread and a role thread say to each other. Segments go over the ports in these messages. */

/** Asks a thread that waits for a job to rehearse inferences of a model. It reports nothing, and makes way for jobs. */
export interface WarmUp {
  readonly type: 'warm';
  readonly agreement: Agreement;
}

/** A thread does one job at a time. A session is opened once per Preprocess stream and closed at its end. */
export type Job =
  /** Derives the plan, which takes long for a hostile card, and keeps it for the jobs that follow. */
  | { readonly type: 'load'; readonly agreement: Agreement }
  | { readonly type: 'open'; readonly port: MessagePort }
  /** Writes the body of a new bundle to `path`. */
  | {
      readonly type: 'prepare';
      readonly port: MessagePort;
      readonly agreement: Agreement;
      readonly path: string;
    }
  | { readonly type: 'close' }
  /** Spends the bundle at `path` on an image of integers. */
  | {
      readonly type: 'infer';
      readonly port: MessagePort;
      readonly agreement: Agreement;
      readonly path: string;
      readonly body: BundleBody;
      readonly image: Int32Array;
    };

/** What the main thread needs of a plan. */
export type PlanFacts = Pick<Plan, 'hash' | 'sessionBytes' | 'offlineBytes' | 'bundleBytes' | 'rounds'>;

/** What each job gives back. */
export interface JobResults {
  load: PlanFacts;
  open: undefined;
  prepare: BundleBody;
  close: undefined;
  infer: Inferred;
}

export type Report =
  | { readonly type: 'done'; readonly result: JobResults[Job['type']] }
  | { readonly type: 'failed'; readonly code: string; readonly message: string; readonly detail: string };
