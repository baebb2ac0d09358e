import type { BundleSecrets } from '../../protocol/bundle.ts';
import type { Standing } from './usage.ts';

/**
 * The server's half of every bundle: one record, from which everything it needs online is derived. Its state moves only
 * forward, preparing -> ready -> spending -> spent; a second use of a bundle would reveal the garbler's global offset
 * and with it the weights.
 */
export interface BundleStore {
  /**
   * Opens the record of a bundle that is about to be prepared, and returns when it expires (ms since the epoch, by the
   * clock of the store). Counts as one preparation of the identity, whether or not the bundle is completed. Throws
   * 'quota/exceeded' if the identity has no preparations or inferences left, 'server/busy' if it holds its maximum of
   * bundles, 'storage/failed' like every method if the record cannot be made durable.
   */
  create(bundle: NewBundle): Promise<number>;

  /** preparing -> ready. Throws 'bundle/unknown' if it is no longer being prepared. */
  markReady(id: string): Promise<void>;

  /** Deletes a bundle whose preparation was aborted. Does nothing to a bundle in another state. */
  abandon(id: string): Promise<void>;

  /**
   * Burns those of the client's bundles among `ids` that are not being spent: the client has lost its half of them.
   * Returns their number.
   */
  discard(client: string, ids: readonly string[]): Promise<number>;

  /**
   * ready -> spending, at most once per bundle despite races, crashes and other processes. When this resolves, the
   * change is durable and the secrets are erased from the store; the caller holds the only copy. Counts as one
   * inference of the identity. Throws 'bundle/unknown' (also for another client's), 'model/mismatch', 'bundle/expired',
   * 'bundle/spent' or 'quota/exceeded', and then nothing has changed. After 'storage/failed' the outcome may be
   * unknown: the bundle must be considered spent.
   */
  spend(claim: BundleClaim): Promise<BundleSecrets>;

  /** spending -> spent, after the inference has succeeded or failed. */
  markSpent(id: string): Promise<void>;

  /**
   * Burns the bundles that dead servers left in preparing or spending, at the start and before any call. Returns their
   * number.
   */
  burnLeftovers(): Promise<number>;

  /**
   * Deletes expired records, obsolete usage and the last traces of erased secrets, and burns the bundles of servers
   * that have died since. Call it about once a minute. Returns the number of expired records.
   */
  sweep(): Promise<number>;

  /** Returns the usage of the identity and the number of its unspent bundles. */
  standing(identity: string): Promise<Standing>;

  /** Returns the number of records by state, for metrics; an estimate while others write. */
  counts(): Promise<BundleCounts>;

  close(): Promise<void>;
}

/** The states of a bundle's record. */
export const BUNDLE_STATES = ['preparing', 'ready', 'spending', 'spent'] as const;

export type BundleCounts = Record<(typeof BUNDLE_STATES)[number], number>;

/** Identifies the model that a bundle was made for. */
export interface BundleModel {
  readonly name: string;
  /** `ModelCard.hash`. */
  readonly hash: string;
  /** `Plan.hash`. */
  readonly planHash: string;
}

export interface NewBundle {
  /** 128 random bits, hex. */
  readonly id: string;
  /** Hash of the client's token. */
  readonly client: string;
  /** Hash of the identity whose limits count: that of all its clients. */
  readonly identity: string;
  /** As in a claim: whether the usage of the identity is forgotten some day. */
  readonly anonymous: boolean;
  readonly model: BundleModel;
  readonly secrets: BundleSecrets;
  /** Lifetime from now (ms). */
  readonly lifetimeMs: number;
}

/** A request to spend a bundle: all of it must match the record. */
export interface BundleClaim {
  readonly id: string;
  readonly client: string;
  readonly identity: string;
  /**
   * Whether the caller chose the identity itself. Its usage is then deleted after the bundle's lifetime and the hour,
   * because such names are unlimited and restrict nobody. The usage of authenticated identities is kept.
   */
  readonly anonymous: boolean;
  readonly model: BundleModel;
}
