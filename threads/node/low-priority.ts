import { setPriority } from 'node:os';

/**
 * Nice value; the lowest priority is 19. A thread at 10 gets a tenth of a processor for which a thread at 0 competes.
 */
const NICE = 10;

/**
 * Lowers the priority of the calling thread, for work that may wait. Only on Linux, where process 0 means the calling
 * thread; elsewhere it would mean the whole process, so nothing is done.
 */
export function lowerThreadPriority(): void {
  if (process.platform === 'linux') setPriority(0, NICE);
}
