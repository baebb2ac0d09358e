import type { MessagePort } from 'node:worker_threads';
import type { FixedNetwork } from '../model/network.ts';
import type { BundleSecrets } from '../protocol/bundle.ts';
import type { LabelEncoding } from '../protocol/label-encoding.ts';

/** What the main thread and a worker say to each other. Segments go over the ports in these messages. */

/** Given to a worker at its start. The weights lie in shared memory. */
export interface WorkerInput {
  readonly networks: readonly FixedNetwork[];
  readonly setting: LabelEncoding;
  /** Room for transformed kernels (bytes). */
  readonly kernelCacheBytes: number;
  /** Inferences get ready for the first one; preparations make room for them. */
  readonly work: 'inferences' | 'preparations';
  /** Memory of the `OnlineFlag`. */
  readonly online: SharedArrayBuffer;
  /** Inferences that may run before this thread, if it prepares, makes room. */
  readonly tolerated: number;
}

/** Runs one role of the protocol over its port and then ends the port. */
export type RoleJob =
  | {
      readonly type: 'open';
      readonly session: string;
      /** Whose turn it takes: see `ProcessorTurns`. */
      readonly client: string;
      readonly port: MessagePort;
    }
  | {
      readonly type: 'prepare';
      readonly session: string;
      readonly client: string;
      /** Its hash. */
      readonly model: string;
      readonly bundleSeed: Uint8Array;
      readonly port: MessagePort;
    }
  | {
      readonly type: 'infer';
      readonly model: string;
      readonly secrets: BundleSecrets;
      readonly port: MessagePort;
    };

export type WorkerJob =
  | RoleJob
  | { readonly type: 'close'; readonly session: string }
  /** The models from now on. */
  | { readonly type: 'models'; readonly networks: readonly FixedNetwork[] };

export type WorkerReport =
  | { readonly type: 'ready' }
  /** A session is open; Delta of its bundles, secret. */
  | { readonly type: 'opened'; readonly session: string; readonly delta: Uint8Array }
  /** A bundle took this much processor time of the thread (ms). */
  | { readonly type: 'prepared'; readonly model: string; readonly processorMs: number }
  /** A fault of ours inside a job, for the log; the peer only learns that there was one. */
  | { readonly type: 'fault'; readonly job: WorkerJob['type']; readonly detail: string };
