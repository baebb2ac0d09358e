import type { Measurement } from '../measure.ts';
import { type Entry, entryHead, type Sampled } from '../results.ts';

/** One network of the papers between two processes. Times in ms, bytes of payload (up is to the server). */
export interface PaperEntry
  extends Entry,
    Pick<
      Measurement,
      'setting' | 'relus' | 'macs' | 'rounds' | 'onlineBytes' | 'offlineBytes' | 'peakRss' | 'phases'
    > {
  /** Untimed bundles and inferences before the timed ones. */
  readonly warmUp: number;
  readonly figures: {
    readonly onlineMs: Sampled;
    /** Times per bundle. */
    readonly offlineMs: Sampled;
    /** Times of the same network in plaintext; measured only for runs without an emulated link. */
    readonly plaintextMs?: Sampled;
  };
}

/** Returns the entry of a measurement that has just ended. */
export function paperEntry(measurement: Measurement, warmUp: number, plaintextMs?: Sampled): PaperEntry {
  const { model, network, setting, relus, macs, rounds } = measurement;
  const { onlineBytes, offlineBytes, peakRss, phases, onlineMs, offlineMs } = measurement;
  return {
    ...entryHead(model, network),
    ...{ setting, relus, macs, rounds, warmUp, onlineBytes, offlineBytes, peakRss, phases },
    figures: { onlineMs, offlineMs, ...(plaintextMs && { plaintextMs }) },
  };
}
