/** The part of the origin private file system's interface that bundles need. */

/** The interface that browsers give workers for synchronous reading and writing. */
export interface AccessHandle {
  read(into: Uint8Array, options: { at: number }): number;
  write(bytes: Uint8Array, options: { at: number }): number;
  flush(): void;
  getSize(): number;
  close(): void;
}

export interface Folder {
  getDirectoryHandle(name: string, options?: { create: boolean }): Promise<Folder>;
  getFileHandle(name: string, options?: { create: boolean }): Promise<FileHandle>;
  removeEntry(name: string, options?: { recursive: boolean }): Promise<void>;
  keys(): AsyncIterable<string>;
}

/** A file's bytes, of which a part can be read without the rest. */
export type Content = Pick<Blob, 'slice'>;

export interface FileHandle {
  createSyncAccessHandle(): Promise<AccessHandle>;
  getFile(): Promise<Content>;
}
