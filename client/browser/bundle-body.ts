/** Writes and reads the body of a bundle file in a browser, in a file that the bundle store holds. */
import { SphynxError } from '../../errors/sphynx-error.ts';
import type { BundleReader, BundleWriter, CreateBundle, OpenBundle } from '../bundle-body.ts';
import { type BundleBody, HEADER_BYTES } from '../bundle-header.ts';
import { BundleFile } from './bundle-files.ts';

class HeldFileWriter implements BundleWriter {
  readonly #file: BundleFile;
  readonly #checksum = new Checksum();
  #bytes = 0;

  /** `path`: path of a file that the store holds. */
  constructor(path: string) {
    this.#file = BundleFile.held(path);
  }

  /** Throws 'storage/failed' if there is no room. */
  write(bytes: Uint8Array): void {
    this.#file.write(bytes, HEADER_BYTES + this.#bytes);
    this.#bytes += bytes.length;
    this.#checksum.add(bytes);
  }

  async finish(): Promise<BundleBody> {
    this.#file.flush();
    return { bytes: this.#bytes, checksum: this.#checksum.value };
  }

  /** The store lets go of the file. */
  async close(): Promise<void> {}
}

class HeldFileReader implements BundleReader {
  readonly #file: BundleFile;
  readonly #body: BundleBody;
  readonly #checksum = new Checksum();
  #bytes = 0;

  constructor(path: string, body: BundleBody) {
    this.#file = BundleFile.held(path);
    this.#body = body;
  }

  read(bytes: Uint8Array): void {
    if (bytes.length > this.#body.bytes - this.#bytes) throw corrupt('it is too short');
    if (this.#file.read(bytes, HEADER_BYTES + this.#bytes) !== bytes.length) throw corrupt('it is cut short');
    this.#bytes += bytes.length;
    this.#checksum.add(bytes);
  }

  check(): void {
    if (this.#bytes !== this.#body.bytes) throw corrupt('bytes are left over');
    if (this.#checksum.value !== this.#body.checksum) throw corrupt('its checksum is wrong');
  }

  /** The store lets go of the file. */
  close(): void {}
}

export const createBundle: CreateBundle = (path) => new HeldFileWriter(path);

export const openBundle: OpenBundle = (path, body) => new HeldFileReader(path, body);

/** Detects accidental damage of storage. The bytes may arrive in any pieces of whole words. */
class Checksum {
  #sum = 0;

  get value(): number {
    return this.#sum >>> 0;
  }

  add(bytes: Uint8Array): void {
    const whole = bytes.byteOffset % 4 === 0 ? bytes : bytes.slice();
    const words = new Uint32Array(whole.buffer, whole.byteOffset, whole.length >> 2);
    let sum = this.#sum;
    // One multiplication per word (FNV); the addresses in a table would depend on secrets.
    for (let i = 0; i < words.length; i++) sum = Math.imul(sum ^ words[i], 0x01000193);
    this.#sum = sum;
  }
}

function corrupt(why: string): SphynxError {
  return new SphynxError(
    'bundle/corrupt',
    `a bundle in the browser's storage is damaged: ${why}; prepare another one`,
  );
}
