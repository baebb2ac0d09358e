/** The client's bundles for one server: files on disk in Node, in the origin private file system in browsers. */
import type { BundleHeader } from './bundle-header.ts';

/** A bundle being prepared. Write the body to `path` with a BundleWriter, then `publish` or `discard`. */
export interface PartialBundle {
  readonly path: string;
  /** Completes the file and makes it durable: after it the server may be told to commit. */
  seal(header: BundleHeader): Promise<void>;
  /** Makes the bundle ready, once the server has committed. */
  publish(): Promise<void>;
  /** Deletes the file. The server, which may hold the bundle as ready, is told later. */
  discard(): Promise<void>;
}

/** A bundle that belongs to exactly one inference. */
export interface SpendingBundle {
  readonly path: string;
  readonly header: BundleHeader;
  /** Deletes the file; call this or `lose`, however the inference ended. */
  burn(): Promise<void>;
  /** Deletes the file of a bundle that the server may not have spent; the server will be told. */
  lose(): Promise<void>;
  /**
   * Makes the bundle ready again, after the server refused it without changing its record, and before anything masked
   * was sent.
   */
  giveBack(): Promise<void>;
}

/**
 * Stores bundles. A bundle is partial, then ready, then spending. Only a bundle that the server refuses before anything
 * masked has left becomes ready again. A second use would reveal both labels of a wire.
 */
export interface BundleStore {
  /** Throws 'storage/failed' if there is too little room for bundles of `bytes` in total. */
  checkRoom(bytes: number): Promise<void>;

  /**
   * Makes room for a new bundle of the model, of `bytes`. Throws 'protocol/order' if a bundle with that id already
   * exists, 'storage/failed' if there is too little room.
   */
  begin(modelHash: string, bundleId: string, bytes: number): Promise<PartialBundle>;

  /**
   * Takes the ready bundle that expires first for one inference; undefined if there is none. When this resolves, no
   * other process or tab can take the bundle, durably. Bundles that have expired or were made for another plan are
   * dropped on the way; those that are set aside are skipped. Throws 'bundle/corrupt' (the damaged file is deleted;
   * others may be left) or 'storage/failed'.
   */
  take(modelHash: string, planHash: string): Promise<SpendingBundle | undefined>;

  /**
   * Returns the ready bundles of a model (of all models without `modelHash`), ordered by expiry, without those that are
   * set aside.
   */
  list(modelHash?: string): Promise<BundleHeader[]>;

  /** Returns the bundles that are set aside, ordered as in `list`. */
  listSetAside(): Promise<BundleHeader[]>;

  /** Sets all bundles aside until `confirm`, because one of them was used elsewhere. */
  setAside(): Promise<void>;

  /** Releases the bundles that are set aside; returns their number. */
  confirm(): Promise<number>;

  /**
   * Deletes the bundles that have expired or are damaged; returns their number. The server is told later, because by
   * its own clock they may still be valid and count.
   */
  dropExpired(): Promise<number>;

  /** Deletes these bundles, unless an inference has taken them; the server is told later. Returns their number. */
  drop(bundles: readonly BundleHeader[]): Promise<number>;

  /**
   * Returns the ids of bundles that the server may hold as ready and that this side no longer has, at most as many as
   * can be reported at once.
   */
  lost(): Promise<string[]>;

  /** Forgets lost bundles after they have been reported to the server. */
  forgetLost(ids: readonly string[]): Promise<void>;
}

/**
 * Opens the bundles for the server at `address`, below `stateFolder`. Removes the leftovers of crashed processes and
 * closed tabs, but not the files of running ones. Throws 'storage/failed'.
 */
export type OpenBundleStore = (stateFolder: string, address: string) => Promise<BundleStore>;
