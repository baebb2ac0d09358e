import type { Entry, Sampled } from '../results.ts';
import { sampled } from '../results.ts';
import type { Answered } from './client-process.ts';

/** Above this share of requests that wait for a bundle a rate is not sustained. */
export const MOST_WAITING = 0.1;

/** One model under requests at one rate. */
export interface LoadEntry extends Entry {
  readonly model: string;
  readonly relus: number;
  readonly macs: number;
  /** Bundles that the client has room for, the number below which it refills its pool, and their size (bytes). */
  readonly pool: number;
  readonly low: number;
  readonly bundleBytes: number;
  /** Requests per second, on average. */
  readonly rate: number;
  /** Of every request, in the order of arrival. */
  readonly figures: {
    /** From its arrival to its answer. */
    readonly latencyMs: Sampled;
    /** Of that, until all before it were answered. */
    readonly queueMs: Sampled;
    /** Of that, until a bundle was ready. */
    readonly preparingMs: Sampled;
  };
  /** Share of the requests that waited for a bundle, 0 to 1. */
  readonly waitingShare: number;
  /** Bundles that got ready beside the requests, and how long the pool prepared for it (ms). No higher rate can last. */
  readonly prepared: Answered['prepared'];
}

/** What is said of the model and the pool, whatever the rate. */
export type Studied = Pick<
  LoadEntry,
  'model' | 'network' | 'relus' | 'macs' | 'pool' | 'low' | 'bundleBytes'
>;

/** The entry of a run. The first `pool` requests, which found the pool as it had been filled before, do not count. */
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

/** The highest rate of one model's entries up to which all were sustained; undefined if none was. */
export function sustainableRate(entries: readonly LoadEntry[]): number | undefined {
  const rising = [...entries].sort((a, b) => a.rate - b.rate);
  const first = rising.findIndex(({ waitingShare }) => waitingShare > MOST_WAITING);
  return rising.slice(0, first < 0 ? undefined : first).at(-1)?.rate;
}

/** The smallest of the values that at least `share` of them do not exceed (nearest rank). `share`: 0 to 1. */
export function percentile(values: readonly number[], share: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.max(0, Math.ceil(share * sorted.length - 1e-9) - 1)];
}
