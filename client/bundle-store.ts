/** The client's bundles for one server: files on disk in Node, in the origin private file system in browsers. */
import type { BundleHeader } from './bundle-header.ts';

/** A bundle being prepared. Write the body to `path` with a BundleWriter, then `publish` or `discard`. */
export interface PartialBundle {
  readonly path: string;
  /** Completes the file and makes it durable: after it the server may be told to commit. */
  seal(header: BundleHeader): Promise<void>;
  /** Makes the bundle ready, once the server has committed. */
  publish(): Promise<void>;
  /** Deletes it; the server, which may hold it as ready, is told later. */
  discard(): Promise<void>;
}

/** A bundle that belongs to one inference and to no other, ever. */
export interface SpendingBundle {
  readonly path: string;
  readonly header: BundleHeader;
  /** Deletes the file; call this or `lose`, however the inference ended. */
  burn(): Promise<void>;
  /** Deletes the file of a bundle that the server may not have spent, and will be told of. */
  lose(): Promise<void>;
  /** Makes it ready again: the server has refused it and left it as it was, and nothing masked has been sent. */
  giveBack(): Promise<void>;
}

/**
 * A bundle is partial, then ready, then spending. There is no way back but one: a bundle that the server refuses before
 * anything masked has left is given back. A second use would give away both labels of a wire.
 */
export interface BundleStore {
  /** Throws 'storage/failed' if bundles of `bytes` in all find too little room. */
  checkRoom(bytes: number): Promise<void>;

  /**
   * Makes room for a new bundle of the model, of `bytes`. Throws 'protocol/order' if a bundle of that id is there already,
   * 'storage/failed' if there is too little room.
   */
  begin(modelHash: string, bundleId: string, bytes: number): Promise<PartialBundle>;

  /**
   * Takes a ready bundle for one inference, the one that expires first; undefined if there is none. When this resolves,
   * the bundle is out of the reach of every other process and tab, durably. Bundles that have expired or were made
   * for another plan are dropped on the way, and those that are set aside are left. Throws 'bundle/corrupt' (the damaged
   * file is deleted; others may be left) or 'storage/failed'.
   */
  take(modelHash: string, planHash: string): Promise<SpendingBundle | undefined>;

  /**
   * The ready bundles of a model (of all models without `modelHash`), the one that expires first at the front; those
   * that are set aside are not among them.
   */
  list(modelHash?: string): Promise<BundleHeader[]>;

  /** The bundles that are set aside, as `list`. */
  listSetAside(): Promise<BundleHeader[]>;

  /** Sets all bundles aside until `confirm`: one of them turned out to be used elsewhere. */
  setAside(): Promise<void>;

  /** Releases what is set aside; returns the number of bundles. */
  confirm(): Promise<number>;

  /**
   * Deletes the bundles that have expired or are damaged; returns their number. The server is told later: by its own
   * clock they may live on, and count.
   */
  dropExpired(): Promise<number>;

  /** Deletes these bundles, unless an inference has taken them; the server is told later. Returns their number. */
  drop(bundles: readonly BundleHeader[]): Promise<number>;

  /** Ids of bundles that the server may hold as ready and this side has no more: as many as it is told at once. */
  lost(): Promise<string[]>;

  /** To be called when the server knows of lost bundles. */
  forgetLost(ids: readonly string[]): Promise<void>;
}

/**
 * Opens the bundles for the server at `address`, below `stateFolder`. Removes what crashed processes and closed tabs left
 * behind, and leaves the files of running ones alone. Throws 'storage/failed'.
 */
export type OpenBundleStore = (stateFolder: string, address: string) => Promise<BundleStore>;
