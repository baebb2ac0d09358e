import { execFileSync } from 'node:child_process';

/** Cores of each measured process, as taskset lists them: '0,1'. */
export interface PinnedCores {
  readonly server: string;
  readonly client: string;
}

/** Returns half of this process's cores for each party; null if there is only one core, or no taskset. */
export function pinnedCores(): PinnedCores | null {
  const cores = ownCores();
  const half = cores.length >> 1;
  if (half === 0) return null;
  return { server: cores.slice(0, half).join(','), client: cores.slice(half).join(',') };
}

/** Describes for people on which cores the processes ran. */
export function describeCores(pinned: PinnedCores | null): string {
  if (pinned === null) return 'neither process was pinned to cores';
  return `server pinned to core ${pinned.server}, client to core ${pinned.client}; an emulated network's process was not pinned`;
}

function ownCores(): number[] {
  try {
    const text = execFileSync('taskset', ['--cpu-list', '--pid', `${process.pid}`], {
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'ignore'],
    });
    return coresOf(text.slice(text.lastIndexOf(':') + 1).trim());
  } catch {
    return [];
  }
}

/** The cores in a list such as '0-2,5'. */
export function coresOf(list: string): number[] {
  return list.split(',').flatMap((range) => {
    const [first, last = first] = range.split('-').map(Number);
    return Array.from({ length: last - first + 1 }, (_, i) => first + i);
  });
}
