/** Writes and reads the body of a bundle file on disk. The permissions of the folder keep others out. */
import { closeSync, fdatasync, fstatSync, fsync, openSync, readSync, writeSync } from 'node:fs';
import { promisify } from 'node:util';
import { crc32 } from 'node:zlib';
import type { BundleReader, BundleWriter, CreateBundle, OpenBundle } from '../bundle-body.ts';
import { type BundleBody, HEADER_BYTES } from '../bundle-header.ts';
import { checkLength, corrupt } from './header-file.ts';
import { storageError } from './storage.ts';

/** Bytes that are written before they are flushed to disk, while more are computed. */
const SYNC_BYTES = 8 * 2 ** 20;

class FileWriter implements BundleWriter {
  readonly #path: string;
  readonly #file: number;
  #bytes = 0;
  #checksum = 0;
  #unsynced = 0;
  /** Undefined while no flush is running; never rejected. */
  #syncing: Promise<void> | undefined;
  #failure: unknown;

  /** Creates `path`, readable by this user alone. Throws 'storage/failed'. */
  constructor(path: string) {
    this.#path = path;
    try {
      this.#file = openSync(path, 'wx', 0o600);
    } catch (error) {
      throw storageError(error, path);
    }
    this.#append(new Uint8Array(HEADER_BYTES));
  }

  write(bytes: Uint8Array): void {
    this.#append(bytes);
    this.#bytes += bytes.length;
    this.#checksum = crc32(bytes, this.#checksum);
    this.#unsynced += bytes.length;
    if (this.#unsynced >= SYNC_BYTES && !this.#syncing) this.#sync();
  }

  async finish(): Promise<BundleBody> {
    try {
      await this.#syncing;
      if (this.#failure) throw this.#failure;
      await promisify(fsync)(this.#file);
    } catch (error) {
      throw storageError(error, this.#path);
    } finally {
      await this.close();
    }
    return { bytes: this.#bytes, checksum: this.#checksum };
  }

  async close(): Promise<void> {
    await this.#syncing;
    closeSync(this.#file);
  }

  #sync(): void {
    this.#unsynced = 0;
    this.#syncing = promisify(fdatasync)(this.#file)
      .catch((error: unknown) => {
        this.#failure = error;
      })
      .finally(() => {
        this.#syncing = undefined;
      });
  }

  #append(bytes: Uint8Array): void {
    try {
      for (let done = 0; done < bytes.length; ) done += writeSync(this.#file, bytes, done);
    } catch (error) {
      throw storageError(error, this.#path);
    }
  }
}

class FileReader implements BundleReader {
  readonly #path: string;
  readonly #file: number;
  readonly #body: BundleBody;
  #bytes = 0;
  #checksum = 0;

  constructor(path: string, body: BundleBody) {
    this.#path = path;
    this.#body = body;
    try {
      this.#file = openSync(path, 'r');
    } catch (error) {
      throw storageError(error, path);
    }
    checkLength(fstatSync(this.#file).size, body, path);
  }

  read(bytes: Uint8Array): void {
    const { length } = bytes;
    if (length > this.#body.bytes - this.#bytes)
      throw corrupt(this.#path, `${length} bytes were needed, ${this.#body.bytes - this.#bytes} are left`);
    for (let done = 0; done < length; ) {
      const count = readSync(this.#file, bytes, done, length - done, HEADER_BYTES + this.#bytes + done);
      if (count === 0) throw corrupt(this.#path, 'it was cut short while it was read');
      done += count;
    }
    this.#bytes += length;
    this.#checksum = crc32(bytes, this.#checksum);
  }

  check(): void {
    if (this.#bytes !== this.#body.bytes)
      throw corrupt(this.#path, `${this.#body.bytes - this.#bytes} bytes were left over`);
    if (this.#checksum !== this.#body.checksum) throw corrupt(this.#path, 'its checksum is wrong');
  }

  close(): void {
    closeSync(this.#file);
  }
}

export const createBundle: CreateBundle = (path) => new FileWriter(path);

export const openBundle: OpenBundle = (path, body) => new FileReader(path, body);
