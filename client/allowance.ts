import { SphynxError } from '../errors/sphynx-error.ts';

/** What a server's limits and quotas leave to this client's identity, for all its devices together. */
export interface Allowance {
  /** Further bundles that it may hold. */
  readonly bundles: number;
  /** Inferences left in this hour. */
  readonly inferencesInHour: number;
  /** Inferences left in total. */
  readonly inferences: number;
  /** Preparations left in this hour. */
  readonly preparationsInHour: number;
  /** Preparations left in total. */
  readonly preparations: number;
  /** Time until the hour of these counts ends (ms). */
  readonly hourEndsMs: number;
}

/**
 * Reads a server's allowance; undefined for older servers, which send none. Throws 'protocol/format' for invalid
 * numbers.
 */
export function readAllowance(given: unknown): Allowance | undefined {
  if (given === undefined || given === null) return undefined;
  const fields = given as Record<keyof Allowance, unknown>;
  const count = (name: keyof Allowance) => {
    const value = fields[name];
    if (!Number.isSafeInteger(value) || (value as number) < 0)
      throw new SphynxError('protocol/format', `the server's allowance has no number of ${name}`);
    return value as number;
  };
  return {
    bundles: count('bundles'),
    inferencesInHour: count('inferencesInHour'),
    inferences: count('inferences'),
    preparationsInHour: count('preparationsInHour'),
    preparations: count('preparations'),
    hourEndsMs: count('hourEndsMs'),
  };
}

/**
 * Throws if a server allows fewer than `count` preparations, before the first of them: 'server/busy' if the client may
 * not hold that many bundles, 'quota/exceeded' for quotas. An hourly quota that ends within `patienceMs` is waited for
 * instead.
 */
export function checkAllowance(allowance: Allowance | undefined, count: number, patienceMs: number): void {
  if (allowance === undefined) return;
  const { bundles, preparations, preparationsInHour, hourEndsMs } = allowance;
  const wanted = `${count} bundle${count === 1 ? ' was' : 's were'} asked for`;
  if (count > bundles)
    throw new SphynxError(
      'server/busy',
      `${wanted}, and the server lets this client hold ${bundles} more: ask for fewer, or classify with those that are ready`,
    );
  if (count > preparations)
    throw new SphynxError(
      'quota/exceeded',
      `${wanted}, and ${preparations} more may be prepared in all; ask the operator for more`,
    );
  if (count > preparationsInHour && hourEndsMs > patienceMs)
    throw new SphynxError(
      'quota/exceeded',
      `${wanted}, and ${preparationsInHour} more may be prepared in this hour, which ends in ${Math.ceil(hourEndsMs / 60_000)} min; ask for fewer, or wait until then`,
      { retryAfterMs: hourEndsMs },
    );
}
