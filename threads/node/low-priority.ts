import { setPriority } from 'node:os';

/** Of 19, the lowest: a thread at 10 gets a tenth of a processor that one at 0 wants too. */
const NICE = 10;

/**
 * Lowers the priority of the calling thread, for work that may wait. Only on Linux, where process 0 means the calling
 * thread; elsewhere it would be the whole process, and nothing is done.
 */
export function lowerThreadPriority(): void {
  if (process.platform === 'linux') setPriority(0, NICE);
}
