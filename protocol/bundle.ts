/**
 * What the client keeps of one preparation, in the order in which the online phase reads it:
 *
 *     mask seed [32] | nonce [16]
 *     per layer: share b_l [4 * elements]
 *                per chunk of its elements: what is kept of the client's labels [kept.labels * count] and of the
 *                tables [kept.tables * count]: all, but of squares (crypto/squares/square.ts)
 *     if the client learns only classes: its labels of the argmax over the logits | garbled tables
 *
 * The server keeps only its `BundleSecrets`. A bundle is spent once; its store must ensure this.
 */

/** Where a bundle is written while it is prepared. Append only; a failed write throws and ends the preparation. */
export interface BundleSink {
  write(bytes: Uint8Array): void;
}

/** Where a bundle is read from while it is spent, front to back. Throws 'bundle/corrupt' when it is too short. */
export interface BundleSource {
  /** Fills `target` with the next bytes. */
  read(target: Uint8Array): void;
}

/** Returns the next `length` bytes of a bundle as a copy. */
export function readBundle(source: BundleSource, length: number): Uint8Array {
  const bytes = new Uint8Array(length);
  source.read(bytes);
  return bytes;
}

/** The server's secrets of a bundle, from which everything else that it needs online is derived. Used once. */
export interface BundleSecrets {
  /** [32 bytes], of this bundle alone. */
  readonly seed: Uint8Array;
  /**
   * The difference of the labels of every wire [16 bytes], of the bundle's session; null if the online phase does not
   * need it.
   */
  readonly delta: Uint8Array | null;
}

/** Length of the bundle's public nonce (bytes), from which both sides derive the hash keys. */
export const NONCE_BYTES = 16;

/**
 * Bundles that one session may prepare. Delta belongs to a session: a client that deviates, guesses bits of Delta and
 * is not caught has guessed them for all bundles of the session. With sixteen bundles, each bears a sixteenth of the
 * cost of opening a session.
 */
export const BUNDLES_PER_SESSION = 16;
