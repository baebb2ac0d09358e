/**
 * Identifies the process that is writing or spending a file. The owner is part of the file's name, so after a crash any
 * process can distinguish a leftover from a file in use, without a lock that could remain.
 */
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { hostname } from 'node:os';

/** Age after which a file of another machine (on a shared disk) counts as a leftover (ms): no call takes a day. */
const FOREIGN_LIFETIME_MS = 24 * 60 * 60 * 1000;

const HOST = createHash('sha256').update(hostname()).digest('hex').slice(0, 8);

/** This process as a piece of a file name: machine, process id, start time of the process. */
export const OWNER = ownerTag(process.pid);

function ownerTag(pid: number): string {
  return `${HOST}-${pid}-${startTime(pid)}`;
}

/** Whether the process named by `owner` has ended. `changedAt`: when the file was last touched (ms since the epoch). */
export function isLeftBehind(owner: string, changedAt: number): boolean {
  const [host, pidText] = owner.split('-');
  if (host !== HOST) return Date.now() - changedAt > FOREIGN_LIFETIME_MS;
  const pid = Number(pidText);
  // The start time distinguishes a process from a later one with the same id, as in restarted containers.
  return !isAlive(pid) || owner !== ownerTag(pid);
}

function isAlive(pid: number): boolean {
  if (!Number.isInteger(pid) || pid <= 0) return false;
  try {
    process.kill(pid, 0); // sends nothing
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM'; // alive, but somebody else's
  }
}

/**
 * Returns the clock ticks from boot to the start of the process; 0 if the system does not report them (other than
 * Linux).
 */
function startTime(pid: number): string {
  try {
    const status = readFileSync(`/proc/${pid}/stat`, 'latin1');
    // Field 22; the second field is the command in brackets and may hold spaces, so count from its end.
    return status.slice(status.lastIndexOf(')') + 2).split(' ')[19];
  } catch {
    return '0';
  }
}
