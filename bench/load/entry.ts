import type { Entry, Sampled } from '../results.ts';
import { sampled } from '../results.ts';
import type { Answered } from './client-process.ts';

/** A rate counts as sustained if at most this share of requests waits for a bundle. */
export const MOST_WAITING = 0.1;

/** One model under requests at one rate. */
export interface LoadEntry extends Entry {
  readonly model: string;
  readonly relus: number;
  readonly macs: number;
  /** Capacity of the client's pool, the number below which it is refilled, and the size of a bundle (bytes). */
  readonly pool: number;
  readonly low: number;
  readonly bundleBytes: number;
  /** Requests per second, on average. */
  readonly rate: number;
  /** Figures of every request, in the order of arrival. */
  readonly figures: {
    /** Time from arrival to answer (ms). */
    readonly latencyMs: Sampled;
    /** Time queued behind earlier requests (ms). */
    readonly queueMs: Sampled;
    /** Time waiting for a bundle (ms). */
    readonly preparingMs: Sampled;
  };
  /** Share of the requests that waited for a bundle, 0 to 1. */
  readonly waitingShare: number;
  /**
   * Bundles that became ready during the requests, and the time that the pool spent preparing them (ms). No higher rate
   * can be sustained.
   */
  readonly prepared: Answered['prepared'];
}

/** The facts about the model and the pool that do not depend on the rate. */
export type Studied = Pick<
  LoadEntry,
  'model' | 'network' | 'relus' | 'macs' | 'pool' | 'low' | 'bundleBytes'
>;

/** Returns the entry of a run. The first `pool` requests, which used bundles prepared earlier, do not count. */
export function loadEntry(
  head: Omit<Entry, 'figures'>,
  studied: Studied,
  rate: number,
  { requests, prepared }: Pick<Answered, 'requests' | 'prepared'>,
): LoadEntry {
  const counted = requests.slice(studied.pool);
  return {
    ...head,
    ...studied,
    rate,
    figures: {
      latencyMs: sampled(counted.map(({ arrived, answered }) => answered - arrived)),
      queueMs: sampled(counted.map(({ arrived, started }) => started - arrived)),
      preparingMs: sampled(counted.map(({ preparingMs }) => preparingMs)),
    },
    waitingShare: counted.filter(({ preparingMs }) => preparingMs > 0).length / counted.length,
    prepared,
  };
}

/** Returns the highest rate of one model's entries up to which all were sustained; undefined if none was. */
export function sustainableRate(entries: readonly LoadEntry[]): number | undefined {
  const rising = [...entries].sort((a, b) => a.rate - b.rate);
  const first = rising.findIndex(({ waitingShare }) => waitingShare > MOST_WAITING);
  return rising.slice(0, first < 0 ? undefined : first).at(-1)?.rate;
}

/** Returns the smallest value that at least `share` of the values do not exceed (nearest rank). `share`: 0 to 1. */
export function percentile(values: readonly number[], share: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.max(0, Math.ceil(share * sorted.length - 1e-9) - 1)];
}
