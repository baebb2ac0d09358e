/** The body of a bundle file, which the roles write and read front to back. Its checksum detects accidental damage. */
import type { BundleSink, BundleSource } from '../protocol/bundle.ts';
import type { BundleBody } from './bundle-header.ts';

/** Appends the body of a new bundle file; the header's room stays empty until the bundle is sealed. */
export interface BundleWriter extends BundleSink {
  /** Makes the body durable and ends the file. Throws 'storage/failed'. */
  finish(): Promise<BundleBody>;
  /** Closes an unfinished file. */
  close(): Promise<void>;
}

/** Reads the body of a bundle file, once. */
export interface BundleReader extends BundleSource {
  /**
   * Throws 'bundle/corrupt' unless the whole body was read and matches what was written; otherwise the result is
   * worthless.
   */
  check(): void;
  close(): void;
}

/** Begins the file at `path`, which a store has assigned. Throws 'storage/failed'. */
export type CreateBundle = (path: string) => BundleWriter;

/** Opens the file at `path`. `body` comes from its header. Throws 'bundle/corrupt' if the file has another length. */
export type OpenBundle = (path: string, body: BundleBody) => BundleReader;
