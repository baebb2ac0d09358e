/**
 * The server's half of every bundle: one record, from which everything it needs online is derived. A bundle is
 * a one-way machine, preparing -> ready -> spending -> spent; a second use of one would reveal the garbler's
 * global offset and with it the weights.
 */
export interface BundleStore {
  /**
   * Opens the record of a bundle that is about to be prepared. Throws 'server/busy' if the client holds as many
   * as it may, 'storage/failed' like every method if the record cannot be made durable.
   */
  create(bundle: NewBundle): Promise<void>;

  /** preparing -> ready. Throws 'bundle/unknown' if it is not being prepared any more. */
  markReady(id: string): Promise<void>;

  /** Forgets a bundle whose preparation broke off. Does nothing to a bundle in another state. */
  abandon(id: string): Promise<void>;

  /**
   * ready -> spending, at most once per bundle whatever races, crashes or other processes do: when this
   * resolves, the change is durable and the seed is erased from the store; the caller holds the only copy.
   * Throws 'bundle/unknown' (also for another client's), 'model/mismatch', 'bundle/expired' or 'bundle/spent'.
   */
  spend(claim: BundleClaim): Promise<Uint8Array>;

  /** spending -> spent: the inference is over, well or badly. */
  markSpent(id: string): Promise<void>;

  /** At start, before any call: bundles that a dead process left in preparing or spending are burned. Returns their number. */
  burnLeftovers(): Promise<number>;

  /** Deletes what has expired and the last traces of erased seeds; call it every minute or so. Returns the number of records. */
  sweep(): Promise<number>;

  close(): Promise<void>;
}

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
  readonly model: BundleModel;
  /** 32 bytes, secret. */
  readonly seed: Uint8Array;
  /** Milliseconds since the epoch. */
  readonly expiresAt: number;
}

/** A request to spend a bundle: all of it must match the record. */
export interface BundleClaim {
  readonly id: string;
  readonly client: string;
  readonly model: BundleModel;
}
