/** Checks that bundles were spent only once, by three independent accounts: the servers', the clients' and Redis's. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

/** Ids of bundles, one for each time that one was spent. */
export interface Accounts {
  /** Bundles that servers accepted, by their logs, which are written before anything is sent. */
  readonly accepted: readonly string[];
  /** Bundles from which clients got a result. */
  readonly answered: readonly string[];
  /** Bundles that Redis moved from ready to spending, by its append-only file. */
  readonly recorded: readonly string[];
}

/** Returns violations; empty if there are none. */
export function auditComplaints({ accepted, answered, recorded }: Accounts): string[] {
  const [byServers, byRedis] = [new Set(accepted), new Set(recorded)];
  return [
    ...twice(accepted).map((id) => `bundle ${id} was accepted twice`),
    ...twice(answered).map((id) => `bundle ${id} gave two results`),
    ...twice(recorded).map((id) => `bundle ${id} became spending twice`),
    ...[...byServers]
      .filter((id) => !byRedis.has(id))
      .map((id) => `bundle ${id} was accepted without a record`),
    ...answered
      .filter((id) => !byServers.has(id))
      .map((id) => `bundle ${id} gave a result that no log knows`),
  ];
}

/** Returns the spent bundles in a server's log. A last line that a crash truncated is ignored. */
export function acceptedIn(log: string): string[] {
  const lines = log.split('\n').slice(0, -1);
  return lines
    .map((line) => JSON.parse(line) as { msg: string; bundle?: string })
    .flatMap(({ msg, bundle }) => (msg === 'bundle spending' && bundle ? [bundle] : []));
}

/** Bundles that became spending, in the append-only files below the folder of a Redis that never rewrites them. */
export function recordedIn(redisFolder: string): string[] {
  const folder = join(redisFolder, 'appendonlydir');
  const files = readdirSync(folder).filter((file) => file.endsWith('.incr.aof'));
  return files.flatMap((file) => spendings(readFileSync(join(folder, file), 'latin1')));
}

/** In Redis's protocol: `HSET {sphynx}:bundle:ID state spending ...` is how the store's script spends. */
export function spendings(appendOnly: string): string[] {
  const command =
    /\$4\r\nHSET\r\n\$\d+\r\n\{sphynx\}:bundle:([0-9a-f]+)\r\n\$5\r\nstate\r\n\$8\r\nspending\r\n/gi;
  return [...appendOnly.matchAll(command)].map(([, id]) => id);
}

function twice(ids: readonly string[]): string[] {
  const seen = new Set<string>();
  return ids.filter((id) => seen.size === seen.add(id).size);
}
