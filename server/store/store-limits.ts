/** Limits that a store enforces for identities; read at each step. */
export interface StoreLimits {
  /** Bundles in preparing or ready that one identity may hold. */
  readonly bundlesPerClient: number;
  /** Inferences of one identity in an hour that begins with its first preparation or inference. */
  readonly inferencesPerHour: number;
  /** Lifetime total of inferences of one identity. */
  readonly inferencesTotal: number;
  /** Preparations that one identity may begin in the same hour. */
  readonly preparationsPerHour: number;
  /** Lifetime total of preparations that one identity may begin. */
  readonly preparationsTotal: number;
}

/** The hour of `inferencesPerHour` and `preparationsPerHour` (ms). */
export const QUOTA_HOUR_MS = 3_600_000;
