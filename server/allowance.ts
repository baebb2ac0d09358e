import type { Allowance } from '../transport/messages.ts';
import type { StoreLimits } from './store/store-limits.ts';
import type { Standing } from './store/usage.ts';

/** What limits and quotas leave to an identity. */
export function allowanceOf({ held, usage, hourEndsMs }: Standing, limits: StoreLimits): Allowance {
  const left = (limit: number, used: number) => Math.max(0, limit - used);
  return {
    bundles: left(limits.bundlesPerClient, held),
    inferencesInHour: left(limits.inferencesPerHour, usage.inHour),
    inferences: left(limits.inferencesTotal, usage.total),
    preparationsInHour: left(limits.preparationsPerHour, usage.begunInHour),
    preparations: left(limits.preparationsTotal, usage.begunTotal),
    hourEndsMs: Math.max(0, hourEndsMs),
  };
}
