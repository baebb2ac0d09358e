import { joinBytes } from '../crypto/join-bytes.ts';
import { SphynxError } from '../errors/sphynx-error.ts';
import type { BundleSink, BundleSource } from './bundle.ts';

/** A bundle in memory, written first and then read: for tests and for measuring without a disk. */
export class MemoryBundle implements BundleSink, BundleSource {
  readonly #pieces: Uint8Array[] = [];
  #whole?: Uint8Array;
  #read = 0;

  write(bytes: Uint8Array): void {
    this.#pieces.push(bytes.slice());
  }

  get bytes(): Uint8Array {
    return joinBytes(this.#pieces);
  }

  read(target: Uint8Array): void {
    this.#whole ??= this.bytes;
    const piece = this.#whole.subarray(this.#read, this.#read + target.length);
    if (piece.length < target.length) throw new SphynxError('bundle/corrupt', 'the bundle is too short');
    this.#read += target.length;
    target.set(piece);
  }
}
