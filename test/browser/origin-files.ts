/** The bundle files in the storage of a tab's origin, and their restoration from a backup. */
import type { Page } from 'playwright-core';

declare const files: Record<string, Blob>;

/** Reads the bundle files of the tab's origin into `files`, by path; returns their number. */
export const readFiles = (page: Page): Promise<number> =>
  page.evaluate(async () => {
    const read: Record<string, Blob> = {};
    const walk = async (folder: FileSystemDirectoryHandle, path: string) => {
      for await (const [name, entry] of folder)
        if (entry.kind === 'directory') await walk(entry as FileSystemDirectoryHandle, `${path}${name}/`);
        else if (name.endsWith('.bundle')) {
          const file = await (entry as FileSystemFileHandle).getFile();
          read[path + name] = new Blob([await file.arrayBuffer()]);
        }
    };
    await walk(await navigator.storage.getDirectory(), '');
    Object.assign(globalThis, { files: read });
    return Object.keys(read).length;
  });

/** Writes `files` back, as when the browser's storage is restored. */
export const restoreFiles = (page: Page): Promise<void> =>
  page.evaluate(async () => {
    for (const [path, content] of Object.entries(files)) {
      const names = path.split('/');
      let folder = await navigator.storage.getDirectory();
      for (const name of names.slice(0, -1)) folder = await folder.getDirectoryHandle(name);
      const file = await folder.getFileHandle(names[names.length - 1], { create: true });
      const writer = await file.createWritable();
      await writer.write(content);
      await writer.close();
    }
  });
