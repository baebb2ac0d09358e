/**
 * Folders in the memory of a worker, with the part of the origin private file system's interface that bundles need: for
 * browsers without it, and for private windows.
 */
import type { AccessHandle, Content, FileHandle, Folder } from './folder.ts';

/** Largest size of all files together (bytes): bundles are large, and browsers end a tab that uses too much memory. */
const MOST_BYTES = 2 ** 30;

let taken = 0;

export class MemoryFolder implements Folder {
  readonly #folders = new Map<string, MemoryFolder>();
  readonly #files = new Map<string, MemoryFile>();

  async getDirectoryHandle(name: string, { create = false } = {}): Promise<Folder> {
    return entry(this.#folders, name, create, () => new MemoryFolder());
  }

  async getFileHandle(name: string, { create = false } = {}): Promise<FileHandle> {
    return entry(this.#files, name, create, () => new MemoryFile());
  }

  async removeEntry(name: string): Promise<void> {
    this.#files.get(name)?.erase();
    if (!this.#files.delete(name) && !this.#folders.delete(name)) throw notFound(name);
  }

  async *keys(): AsyncGenerator<string> {
    yield* [...this.#folders.keys(), ...this.#files.keys()];
  }
}

/** A file stored in the pieces that were written; bundles are written front to back. */
class MemoryFile implements FileHandle, AccessHandle {
  #bytes = new Uint8Array(0);
  #size = 0;
  #held = false;

  async createSyncAccessHandle(): Promise<AccessHandle> {
    if (this.#held) throw new DOMException('somebody holds it', 'NoModificationAllowedError');
    this.#held = true;
    return this;
  }

  async getFile(): Promise<Content> {
    return {
      slice: (start = 0, end = this.#size) =>
        new Blob([this.#bytes.subarray(start, Math.min(end, this.#size))]),
    };
  }

  read(into: Uint8Array, { at }: { at: number }): number {
    const part = this.#bytes.subarray(at, Math.max(at, Math.min(this.#size, at + into.length)));
    into.set(part);
    return part.length;
  }

  write(bytes: Uint8Array, { at }: { at: number }): number {
    const end = at + bytes.length;
    if (end > this.#bytes.length) this.#grow(end);
    this.#bytes.set(bytes, at);
    this.#size = Math.max(this.#size, end);
    return bytes.length;
  }

  flush(): void {}

  getSize(): number {
    return this.#size;
  }

  close(): void {
    this.#held = false;
  }

  /** Overwrites the contents. */
  erase(): void {
    this.#bytes.fill(0);
    taken -= this.#bytes.length;
    this.#bytes = new Uint8Array(0);
    this.#size = 0;
  }

  #grow(size: number): void {
    const length = Math.max(size, 2 * this.#bytes.length);
    if (taken + length - this.#bytes.length > MOST_BYTES)
      throw new DOMException('no memory for more', 'QuotaExceededError');
    taken += length - this.#bytes.length;
    const grown = new Uint8Array(length);
    grown.set(this.#bytes);
    this.#bytes = grown;
  }
}

function entry<Entry>(entries: Map<string, Entry>, name: string, create: boolean, make: () => Entry): Entry {
  const known = entries.get(name);
  if (known) return known;
  if (!create) throw notFound(name);
  const made = make();
  entries.set(name, made);
  return made;
}

function notFound(name: string): DOMException {
  return new DOMException(`there is no ${name}`, 'NotFoundError');
}
