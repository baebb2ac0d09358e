/** The head of a bundle file: HEADER_BYTES of JSON, padded with spaces. The body follows (bundle-body.ts). */

/** Fixed, so that the header can be written last, when the checksum is known. */
export const HEADER_BYTES = 4096;

/** What one bundle is and what it cost. Nothing in it is secret. */
export interface BundleHeader {
  readonly bundleId: string;
  readonly model: string;
  readonly modelHash: string;
  readonly planHash: string;
  /** Moments in ms since the Unix epoch. */
  readonly preparedAt: number;
  readonly expiresAt: number;
  /** Cost of preparing it: wall time (ms) and traffic (bytes; up is to the server). */
  readonly offline: { readonly ms: number; readonly up: number; readonly down: number };
  readonly body: BundleBody;
}

export interface BundleBody {
  readonly bytes: number;
  /** Finds accidents of storage: CRC-32 in Node, a sum of words in browsers. */
  readonly checksum: number;
}
