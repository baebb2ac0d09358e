import type { Failure, Outcome } from '../cluster/outcome.ts';

/** The outcome of a client's call, with the client. */
export interface ClientOutcome extends Outcome {
  readonly client: number;
}

/** A failure that clients were told of, and how often. */
export interface Told extends Failure {
  readonly times: number;
}

/** The effect of one fault on the clients. */
export interface Verdict {
  /** Time from its end until every client had results again, without a failure in between (ms). */
  readonly recoveryMs: number;
  readonly told: readonly Told[];
  /** The longest call (ms). */
  readonly longestMs: number;
  /** Violations; empty if there are none. */
  readonly complaints: readonly string[];
}

/** Words that tell people what to do. */
const REMEDY = /try again|prepare|check|start|free some|raise|correct|choose|is used up|restrict|fix|limit/i;

/**
 * @param outcomes of the clients under load, 0 to `clients` - 1, since the fault began
 * @param over when the service should have been whole again (ms since the epoch)
 * @param victims outcomes of the calls of targeted clients: the last one must have succeeded
 * @param codes codes that clients may be told
 * @param deadlineMs longer than any call may take
 */
export function judge(
  clients: number,
  outcomes: readonly ClientOutcome[],
  over: number,
  victims: readonly Outcome[],
  codes: readonly string[],
  deadlineMs: number,
): Verdict {
  const all = [...outcomes, ...victims];
  const told = tally(all);
  const longestMs = Math.max(0, ...all.map(({ ms }) => ms));
  const recoveries = Array.from({ length: clients }, (_, client) =>
    recoveredAt(
      outcomes.filter((outcome) => outcome.client === client),
      over,
    ),
  );
  const recoveryMs = Math.max(0, ...recoveries) - over;
  const complaints = [
    ...(Number.isFinite(recoveryMs) ? [] : ['the clients did not recover']),
    ...told.filter(({ code }) => !codes.includes(code)).map((one) => `a client was told ${describe(one)}`),
    ...told.filter(({ message }) => !REMEDY.test(message)).map((one) => `no remedy is in ${describe(one)}`),
    ...all
      .filter(({ result }) => result?.right === false)
      .map(() => "a result is not the integer executor's"),
    ...(victims.at(-1)?.failure ? ['the client that was hit did not recover'] : []),
    ...(longestMs > deadlineMs ? [`a call took ${Math.round(longestMs)} ms`] : []),
  ];
  return { recoveryMs, told, longestMs, complaints };
}

/** Returns when a client had its first result after its last failure and after `over`; Infinity if never. */
export function recoveredAt(own: readonly Outcome[], over: number): number {
  const lastFailure = own.findLastIndex(({ failure }) => failure !== undefined);
  const first = own.slice(lastFailure + 1).find(({ result, at }) => result?.right && at >= over);
  return first?.at ?? Number.POSITIVE_INFINITY;
}

function tally(outcomes: readonly Outcome[]): Told[] {
  const failures = outcomes.flatMap(({ failure }) => (failure ? [failure] : []));
  const same = Map.groupBy(failures, ({ code, message }) => `${code}: ${message}`);
  return [...same.values()].map((ones) => ({ ...ones[0], times: ones.length }));
}

function describe({ code, message }: Failure): string {
  return `${code}: ${message}`;
}
