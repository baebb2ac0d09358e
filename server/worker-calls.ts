import type { MessagePort } from 'node:worker_threads';
import type { FixedNetwork } from '../model/network.ts';
import type { BundleSecrets } from '../protocol/bundle.ts';
import type { LabelEncoding } from '../protocol/label-encoding.ts';

/** Given to a worker at its start. */
export interface WorkerInput {
  readonly setting: LabelEncoding;
  /** Room for transformed kernels (bytes). */
  readonly kernelCacheBytes: number;
  /** The kind of work: inference threads warm up, and preparing threads yield to inferences. */
  readonly work: 'inferences' | 'preparations';
  /** Memory of the `OnlineFlag`. */
  readonly online: SharedArrayBuffer;
  /** Inferences that may run before this thread, if it prepares, pauses. */
  readonly tolerated: number;
}

/** A role's own port; it ends as the role does. */
interface OnPort {
  readonly port: MessagePort;
}

interface InSession {
  readonly session: string;
  /** The client whose turns it takes; see `ProcessorTurns`. */
  readonly client: string;
}

/** The calls that a worker of the pool answers. Segments go over the ports in these calls. Models are named by their hashes. */
export interface WorkerCalls {
  /** Sets the models for subsequent jobs. Their weights are in shared memory. */
  serve: { given: readonly FixedNetwork[] };
  /** Opens a session; returns Delta of its bundles, which is secret. */
  open: { given: InSession & OnPort; result: Uint8Array };
  /** Prepares a bundle; returns the processor time of the thread (ms). */
  prepare: {
    given: InSession & OnPort & { readonly model: string; readonly bundleSeed: Uint8Array };
    result: number;
  };
  infer: { given: OnPort & { readonly model: string; readonly secrets: BundleSecrets } };
  /** Frees a session. */
  close: { given: string };
}

/** The calls that play a role of the protocol. */
export type RoleCall = 'open' | 'prepare' | 'infer';
