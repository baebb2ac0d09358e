/** The head of a bundle file: HEADER_BYTES of JSON, padded with spaces. The body follows (bundle-body.ts). */

/** Fixed length of the header (bytes), so that it can be written last, when the checksum is known. */
export const HEADER_BYTES = 4096;

/** The description and cost of one bundle. Nothing in it is secret. */
export interface BundleHeader {
  /** Name of the bundle at client and server (32 hex digits). */
  readonly bundleId: string;
  /** Name of the model that it is for. */
  readonly model: string;
  /** Hash of the model's version (SHA-256, hex). */
  readonly modelHash: string;
  /** Hash of the plan that both parties agreed on (SHA-256, hex). */
  readonly planHash: string;
  /** When it became ready (ms since the Unix epoch). */
  readonly preparedAt: number;
  /** When it expires and can no longer be spent (ms since the Unix epoch). */
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
  /** Length and checksum of the stored body. */
  readonly body: BundleBody;
}

/** The body of a bundle file, which follows its header. */
export interface BundleBody {
  /** Length of the body. */
  readonly bytes: number;
  /** Detects accidental damage: CRC-32 in Node, a sum of words in browsers. */
  readonly checksum: number;
}
