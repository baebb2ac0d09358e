import type { Refusal } from './refusal.ts';
import { QUOTA_HOUR_MS, type StoreLimits } from './store-limits.ts';

/** The usage of one identity, in the current hour and in total. */
export interface Usage {
  /** When the hour began: with the first bundle or inference after the hour before (ms since the epoch). */
  readonly hourBegan: number;
  readonly inHour: number;
  readonly total: number;
  /** Preparations that were begun, whether or not they were completed. */
  readonly begunInHour: number;
  readonly begunTotal: number;
}

/** The usage and holdings of an identity. */
export interface Standing {
  /** Bundles in preparing or ready. */
  readonly held: number;
  readonly usage: Usage;
  /** Time until the hour of the usage ends (ms). */
  readonly hourEndsMs: number;
}

/**
 * Returns the usage at `now` from its row in the store, if there is one: in the current hour, or in one that begins
 * now.
 */
export function usageAt(row: Record<string, unknown> | undefined, now: number): Usage {
  const began = Number(row?.hour_began ?? now);
  const totals = { total: Number(row?.total ?? 0), begunTotal: Number(row?.begun_total ?? 0) };
  // If the clock was set back, a new hour begins, so that no hour becomes longer.
  return now >= began && now < began + QUOTA_HOUR_MS
    ? {
        hourBegan: began,
        inHour: Number(row?.in_hour ?? 0),
        begunInHour: Number(row?.begun_in_hour ?? 0),
        ...totals,
      }
    : { hourBegan: now, inHour: 0, begunInHour: 0, ...totals };
}

/** Returns why the identity may not run an inference, or undefined if it may. */
export function inferenceRefusal({ inHour, total }: Usage, limits: StoreLimits): Refusal | undefined {
  if (total >= limits.inferencesTotal) return 'total';
  return inHour >= limits.inferencesPerHour ? 'hour' : undefined;
}

/**
 * Returns why the identity may not begin a preparation, or undefined if it may. Without remaining inferences a bundle
 * would be useless.
 */
export function preparationRefusal(usage: Usage, limits: StoreLimits): Refusal | undefined {
  const useless = inferenceRefusal(usage, limits);
  if (useless) return useless;
  if (usage.begunTotal >= limits.preparationsTotal) return 'begunTotal';
  return usage.begunInHour >= limits.preparationsPerHour ? 'begunHour' : undefined;
}
