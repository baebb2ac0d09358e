/** The head of a bundle file: HEADER_BYTES of JSON, padded with spaces. The body follows (bundle-body.ts). */

/** Fixed, so that the header can be written last, when the checksum is known. */
export const HEADER_BYTES = 4096;

/** What one bundle is and what it cost. Nothing in it is secret. */
export interface BundleHeader {
  /** Name of the bundle at client and server (32 hex digits). */
  readonly bundleId: string;
  /** Name of the model that it is for. */
  readonly model: string;
  /** Hash of the model's version (SHA-256, hex). */
  readonly modelHash: string;
  /** Hash of the plan that both parties agreed on (SHA-256, hex). */
  readonly planHash: string;
  /** When it was ready (ms since the Unix epoch). */
  readonly preparedAt: number;
  /** From when on it cannot be spent (ms since the Unix epoch). */
  readonly expiresAt: number;
  /** Cost of preparing it. */
  readonly offline: {
    /** Wall time (ms). */
    readonly ms: number;
    /** Client to server (bytes). */
    readonly up: number;
    /** Server to client (bytes). */
    readonly down: number;
  };
  /** Length and checksum of what is stored. */
  readonly body: BundleBody;
}

/** What a bundle file holds behind its header. */
export interface BundleBody {
  /** Length of the body. */
  readonly bytes: number;
  /** Finds accidents of storage: CRC-32 in Node, a sum of words in browsers. */
  readonly checksum: number;
}
