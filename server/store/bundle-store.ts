import type { BundleSecrets } from '../../protocol/bundle.ts';
import type { Standing } from './usage.ts';

/**
 * The server's half of every bundle: one record, from which everything it needs online is derived. A bundle is
 * a one-way machine, preparing -> ready -> spending -> spent; a second use of one would reveal the garbler's
 * global offset and with it the weights.
 */
export interface BundleStore {
  /**
   * Opens the record of a bundle that is about to be prepared, and returns when it expires (ms since the epoch, by the
   * clock of the store). Counts as one preparation of the identity, whatever becomes of the bundle. Throws
   * 'quota/exceeded' if the identity has begun as many as it may or may run no inference, 'server/busy' if it holds as many as it may,
   * 'storage/failed' like every method if the record cannot be made durable.
   */
  create(bundle: NewBundle): Promise<number>;

  /** preparing -> ready. Throws 'bundle/unknown' if it is not being prepared any more. */
  markReady(id: string): Promise<void>;

  /** Forgets a bundle whose preparation broke off. Does nothing to a bundle in another state. */
  abandon(id: string): Promise<void>;

  /**
   * Burns those of the client's bundles among `ids` that nobody spends yet: the client has lost its half of them.
   * Returns their number.
   */
  discard(client: string, ids: readonly string[]): Promise<number>;

  /**
   * ready -> spending, at most once per bundle whatever races, crashes or other processes do: when this
   * resolves, the change is durable and the secrets are erased from the store; the caller holds the only copy.
   * Counts as one inference of the identity. Throws 'bundle/unknown' (also for another client's), 'model/mismatch',
   * 'bundle/expired', 'bundle/spent' or 'quota/exceeded', and then nothing has changed. After 'storage/failed' the
   * outcome may be unknown: the bundle must be taken for spent.
   */
  spend(claim: BundleClaim): Promise<BundleSecrets>;

  /** spending -> spent: the inference is over, well or badly. */
  markSpent(id: string): Promise<void>;

  /** At start, before any call: bundles that dead servers left in preparing or spending are burned. Returns their number. */
  burnLeftovers(): Promise<number>;

  /**
   * Deletes what has expired, usage that binds nobody any more and the last traces of erased secrets, and burns what
   * servers left behind that have died since; call it every minute or so. Returns the number of expired records.
   */
  sweep(): Promise<number>;

  /** What the identity has used, and how many unspent bundles it holds. */
  standing(identity: string): Promise<Standing>;

  /** Records by state, for metrics; while others write, an estimate. */
  counts(): Promise<BundleCounts>;

  close(): Promise<void>;
}

/** The states of a bundle's record. */
export const BUNDLE_STATES = ['preparing', 'ready', 'spending', 'spent'] as const;

export type BundleCounts = Record<(typeof BUNDLE_STATES)[number], number>;

/** What identifies the model that a bundle was made for. */
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
  /** From now on (ms). */
  readonly lifetimeMs: number;
}

/** A request to spend a bundle: all of it must match the record. */
export interface BundleClaim {
  readonly id: string;
  readonly client: string;
  readonly identity: string;
  /**
   * Whether the identity is a name of the caller's own choosing. Then its usage is forgotten when the bundle is past
   * its lifetime and the hour over: the name binds nobody, and there is no end of names. That of proved ones stays.
   */
  readonly anonymous: boolean;
  readonly model: BundleModel;
}
