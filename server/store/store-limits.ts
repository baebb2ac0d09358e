/** What a store holds identities to; read anew at each step. */
export interface StoreLimits {
  /** Bundles in preparing or ready that one identity may hold. */
  readonly bundlesPerClient: number;
  /** Inferences of one identity in an hour that begins with its first preparation or inference. */
  readonly inferencesPerHour: number;
  /** Inferences of one identity, ever. */
  readonly inferencesTotal: number;
  /** Preparations that one identity may begin in the same hour. */
  readonly preparationsPerHour: number;
  /** Preparations that one identity may begin, ever. */
  readonly preparationsTotal: number;
}

/** The hour of `inferencesPerHour` and `preparationsPerHour` (ms). */
export const QUOTA_HOUR_MS = 3_600_000;
