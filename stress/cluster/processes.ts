/** What the system says of processes; Linux only. */
import { readdirSync, readFileSync } from 'node:fs';
import { SphynxError } from '../../errors/sphynx-error.ts';

/** What a process holds at one moment. */
export interface Holding {
  /**
   * Memory of its own (bytes): resident pages of no file. Those of files, such as Node's program, come and go as the
   * system likes.
   */
  readonly resident: number;
  /** Open files, sockets and the like. */
  readonly descriptors: number;
}

/** Throws 'config/invalid' where there is no /proc, 'internal' if the process is gone. */
export function holdingOf(pid: number): Holding {
  if (process.platform !== 'linux')
    throw new SphynxError(
      'config/invalid',
      'memory and descriptors of processes are read from /proc: run on Linux',
    );
  try {
    const [, kilobytes] = /^RssAnon:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'latin1')) ?? [];
    return { resident: 1024 * Number(kilobytes), descriptors: readdirSync(`/proc/${pid}/fd`).length };
  } catch (cause) {
    throw new SphynxError('internal', 'a measured process died', { cause });
  }
}
