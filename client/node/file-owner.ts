/**
 * Which process a file belongs to while it is being written or spent. The owner is part of the file's name, so
 * that after a crash any process can tell a leftover from a file in use without a lock that could stay behind.
 */
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { hostname } from 'node:os';

/** A file of another machine (on a shared disk) counts as left behind after this long (ms): no call takes a day. */
const FOREIGN_LIFETIME_MS = 24 * 60 * 60 * 1000;

const HOST = createHash('sha256').update(hostname()).digest('hex').slice(0, 8);

/** This process as a piece of a file name: machine, process id, start time of the process. */
export const OWNER = ownerTag(process.pid);

function ownerTag(pid: number): string {
  return `${HOST}-${pid}-${startTime(pid)}`;
}

/** True if the process named by `owner` is gone. `changedAt`: when the file was last touched (ms since the epoch). */
export function isLeftBehind(owner: string, changedAt: number): boolean {
  const [host, pidText] = owner.split('-');
  if (host !== HOST) return Date.now() - changedAt > FOREIGN_LIFETIME_MS;
  const pid = Number(pidText);
  // The start time tells a process from a later one that got the same id, as happens in restarted containers.
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

/** Clock ticks from boot to the start of the process; 0 where the system does not tell (other than Linux). */
function startTime(pid: number): string {
  try {
    const status = readFileSync(`/proc/${pid}/stat`, 'latin1');
    // Field 22; the second field is the command in brackets and may hold spaces, so count from its end.
    return status.slice(status.lastIndexOf(')') + 2).split(' ')[19];
  } catch {
    return '0';
  }
}
