import { spawnSync } from 'node:child_process';
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { SphynxError } from '../../errors/sphynx-error.ts';

/** Size of the writes that fill a disk (bytes). */
const BLOCK_BYTES = 2 ** 20;

/** A separate disk (tmpfs) that can be filled to the last byte. */
export class SmallDisk {
  readonly folder: string;

  /** Throws 'config/invalid' where this process may not mount. */
  constructor(folder: string, bytes: number) {
    this.folder = folder;
    mkdirSync(folder, { recursive: true });
    const options = `size=${bytes},mode=700`;
    const { status, error } = spawnSync('mount', ['-t', 'tmpfs', '-o', options, 'tmpfs', folder]);
    if (status !== 0)
      throw new SphynxError('config/invalid', 'a full disk is a small tmpfs here: run as root on Linux', {
        cause: error,
      });
  }

  fill(): void {
    const rest = join(this.folder, 'rest');
    for (const bytes of [BLOCK_BYTES, 4096, 1])
      try {
        for (;;) writeFileSync(rest, new Uint8Array(bytes), { flag: 'a' });
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== 'ENOSPC') throw error;
      }
  }

  /** Deletes what `fill` wrote. */
  free(): void {
    rmSync(join(this.folder, 'rest'), { force: true });
  }

  /** Unmounts the disk. Processes that use it must have ended, or lose their files. */
  unmount(): void {
    spawnSync('umount', ['--lazy', this.folder]);
  }
}
