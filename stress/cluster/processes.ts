/** Reads memory and descriptors of processes; Linux only. */
import { readdirSync, readFileSync } from 'node:fs';
import { SphynxError } from '../../errors/sphynx-error.ts';

/** Resources of a process at one moment. */
export interface Holding {
  /**
   * Private memory (bytes): resident pages without a file. The system loads and drops pages of files, such as Node's
   * program, at any time.
   */
  readonly resident: number;
  /** Open files, sockets and the like. */
  readonly descriptors: number;
}

/**
 * Reads the resources of a process. Throws 'config/invalid' if there is no /proc, 'internal' if the process has ended.
 */
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
