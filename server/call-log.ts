import { type Logger, type LoggerOptions, pino, stdTimeFunctions } from 'pino';
import type { SphynxError } from '../errors/sphynx-error.ts';

/** Times as ISO 8601 in UTC, and levels by name. */
export const LOG_FORMAT: LoggerOptions = {
  timestamp: stdTimeFunctions.isoTime,
  formatters: { level: (level) => ({ level }) },
};

/** Returns a logger that writes lines of JSON to stderr. `sync`: writes each line before the call returns. */
export function stderrLogger(level = 'info', sync = false): Logger {
  return pino({ ...LOG_FORMAT, level }, pino.destination({ dest: 2, sync }));
}

/** Codes of faults on this side. */
const OURS = ['internal', 'storage/failed', 'kernels/missing', 'kernels/memory', 'model/format'];

const CHEATED =
  'refused a client whose oblivious transfers contradict each other: honest clients never do that, so watch this identity';

/**
 * Logs a failed call. Faults on this side are errors and are logged with their cause. A caller that fails to
 * authenticate is a warning with its address. Other faults of a peer are logged as routine, unless they can only be an
 * attack.
 *
 * @param peer the address of the caller, which other lines do not name
 */
export function logFailure(log: Logger, failure: SphynxError, peer: string): void {
  const { code, message: reason } = failure;
  if (OURS.includes(code)) log.error({ code, err: failure }, 'call failed');
  else if (code.startsWith('identity/')) log.warn({ code, peer, reason }, 'caller not identified');
  else if (code === 'protocol/inconsistent') log.warn({ code }, CHEATED);
  else log.info({ code, reason }, 'call refused or aborted');
}
