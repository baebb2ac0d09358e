import type { Refusal } from './refusal.ts';
import { QUOTA_HOUR_MS, type StoreLimits } from './store-limits.ts';

/** What one identity has used, of the hour that runs now and of all time. */
export interface Usage {
  /** When the hour began: with the first bundle or inference after the hour before (ms since the epoch). */
  readonly hourBegan: number;
  readonly inHour: number;
  readonly total: number;
  /** Preparations that were begun, whether their bundles became ready or not. */
  readonly begunInHour: number;
  readonly begunTotal: number;
}

/** Where an identity stands with its limits. */
export interface Standing {
  /** Bundles in preparing or ready. */
  readonly held: number;
  readonly usage: Usage;
  /** Until the hour of the usage ends (ms). */
  readonly hourEndsMs: number;
}

/** The usage at `now` from its row in the store, if there is one: of the hour that runs, or of one that begins now. */
export function usageAt(row: Record<string, unknown> | undefined, now: number): Usage {
  const began = Number(row?.hour_began ?? now);
  const totals = { total: Number(row?.total ?? 0), begunTotal: Number(row?.begun_total ?? 0) };
  // A clock that was set back begins a new hour too, rather than a longer one.
  return now >= began && now < began + QUOTA_HOUR_MS
    ? {
        hourBegan: began,
        inHour: Number(row?.in_hour ?? 0),
        begunInHour: Number(row?.begun_in_hour ?? 0),
        ...totals,
      }
    : { hourBegan: now, inHour: 0, begunInHour: 0, ...totals };
}

/** Why the identity may not run an inference, if it may not. */
export function inferenceRefusal({ inHour, total }: Usage, limits: StoreLimits): Refusal | undefined {
  if (total >= limits.inferencesTotal) return 'total';
  return inHour >= limits.inferencesPerHour ? 'hour' : undefined;
}

/** Why the identity may not begin a preparation, if it may not. One that may run no inference has no use for a bundle. */
export function preparationRefusal(usage: Usage, limits: StoreLimits): Refusal | undefined {
  const useless = inferenceRefusal(usage, limits);
  if (useless) return useless;
  if (usage.begunTotal >= limits.preparationsTotal) return 'begunTotal';
  return usage.begunInHour >= limits.preparationsPerHour ? 'begunHour' : undefined;
}
