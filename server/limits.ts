import { availableParallelism, totalmem } from 'node:os';
import { SphynxError } from '../errors/sphynx-error.ts';
import { BUNDLES_PER_SESSION } from '../protocol/bundle.ts';
import { IDLE_MS } from '../transport/limits.ts';

const MINUTE_MS = 60_000;
const DAY_MS = 24 * 60 * MINUTE_MS;

/**
 * All limits of the server. `startServer` can override each of them. All but FIXED_LIMITS may change while the server
 * runs, because they are read at each use.
 */
export interface ServerLimits {
  /** Concurrent Preprocess streams. */
  readonly sessions: number;
  /** Concurrent Preprocess streams of one client. */
  readonly sessionsPerClient: number;
  /** Concurrent preparations of bundles. */
  readonly preparations: number;
  /** Queued preparations; further ones are refused. */
  readonly preparationQueue: number;
  /** Concurrent Infer streams. */
  readonly inferences: number;
  /** Concurrent Infer streams of one client. */
  readonly inferencesPerClient: number;
  /** Unspent bundles that one client may hold. */
  readonly bundlesPerClient: number;
  /** Inferences of one identity in an hour that begins with its first preparation or inference. */
  readonly inferencesPerHour: number;
  /** Lifetime total of inferences of one identity, which bounds what it learns about a model from its answers. */
  readonly inferencesTotal: number;
  /** Preparations that one identity may begin in the same hour, including aborted ones. */
  readonly preparationsPerHour: number;
  /** Lifetime total of preparations that one identity may begin, including aborted ones. */
  readonly preparationsTotal: number;
  /**
   * Payload of one identity, both directions, in an hour that begins with its first byte (bytes). Each server counts
   * separately.
   */
  readonly bytesPerHour: number;
  /** Resident memory of the process above which no preparation begins (bytes). */
  readonly memoryBytes: number;
  /** Concurrent connections; further ones are closed on arrival. */
  readonly connections: number;
  /** How long a connection may carry no call (ms). */
  readonly connectionIdleMs: number;
  /** Age at which a client is asked to replace its connection (ms). Streams on the old one finish normally. */
  readonly connectionMs: number;
  /** Bundles that one Preprocess stream may ask for: at most BUNDLES_PER_SESSION, because a stream is a session. */
  readonly bundlesPerStream: number;
  /** Time from the beginning of its preparation during which a bundle can be spent (ms). */
  readonly bundleLifetimeMs: number;
  /** How long the server waits for a peer's next message, or for a peer to read (ms). */
  readonly idleMs: number;
  /** Slowest payload rate of a running preparation (bytes per second), after a grace period of `idleMs`. */
  readonly slowestBytesPerSecond: number;
  /** Longest duration of a Preprocess stream (ms). */
  readonly sessionMs: number;
  /** Longest duration of an Infer stream (ms). */
  readonly inferenceMs: number;
  /** Threads that prepare bundles. */
  readonly offlineWorkers: number;
  /** Threads that run inferences. */
  readonly onlineWorkers: number;
  /** Cache of transformed kernels in each preparing thread (bytes), at most 256 MB. */
  readonly kernelCacheBytes: number;
}

/** Defaults of `startServer`; `server/limits.ts` gives the reason for each. */
export const DEFAULT_LIMITS: ServerLimits = {
  // Each session holds keys of some MB.
  sessions: 32,
  // One for preparing, and one that a lost connection has not released yet.
  sessionsPerClient: 2,
  // Enough to keep the processors busy while some wait for slow links; each holds up to 17 MiB of unread segments.
  preparations: 8,
  // One for each session; at 3 s each, the limit on waiting time refuses clients before this one does.
  preparationQueue: 24,
  // An inference needs little memory; more of them would only compete for the processor.
  inferences: 32,
  inferencesPerClient: 4,
  // A record has only 500 bytes, but every bundle permits one query of the model.
  bundlesPerClient: 256,
  // Three a second continuously, until the total is used up.
  inferencesPerHour: 10_000,
  // With `output: label` an inference reveals at most log2(classes) bits: ten thousand reveal 8 KB about a model of a
  // hundred classes, whose weights are hundreds of KB. Set it to what the clients need: it is never reset.
  inferencesTotal: 10_000,
  // A preparation takes up to a second of processor time; this also bounds clients that abort every one.
  preparationsPerHour: 10_000,
  // Twice the inferences, because bundles expire, are dropped, and are begun again after a connection breaks.
  preparationsTotal: 20_000,
  // A full 2 Gbit/s link, continuously.
  bytesPerHour: 1e12,
  // Below the point where the system swaps or kills the process.
  memoryBytes: Math.floor(0.8 * Math.min(totalmem(), process.constrainedMemory() || totalmem())),
  // Far more than there are streams, because idle clients and health watchers keep connections.
  connections: 1000,
  // Clients reconnect automatically, so idle connections can be closed.
  connectionIdleMs: 10 * MINUTE_MS,
  // Longer than any stream. New connections reach added replicas and use current certificates.
  connectionMs: 120 * MINUTE_MS,
  bundlesPerStream: BUNDLES_PER_SESSION,
  // Long enough to prepare on one day and to spend on another; short enough that lost bundles vanish.
  bundleLifetimeMs: 7 * DAY_MS,
  idleMs: IDLE_MS,
  // 1 Mbit/s: a bundle of 40 MB may take six minutes. Places are few, and a trickling client would hold one for an
  // hour.
  slowestBytesPerSecond: 125_000,
  // 16 bundles at 5 s over a slow link take minutes; a stream of an hour will not end by itself.
  sessionMs: 60 * MINUTE_MS,
  // One image takes less than a second on a fast link, and at 1 Mbit/s a minute for the largest network.
  inferenceMs: 5 * MINUTE_MS,
  // One processor remains for the online worker and the main thread.
  offlineWorkers: Math.max(1, availableParallelism() - 1),
  // An inference never waits behind a preparation, whose single steps take seconds.
  onlineWorkers: 1,
  // Enough for three networks of 25,600 ReLUs, and saves a fifth of the server's work. Larger networks fit in part.
  kernelCacheBytes: 256 * 2 ** 20,
};

/** Limits that threads and listeners are created with: changing one needs a restart. */
export const FIXED_LIMITS: readonly string[] = [
  'offlineWorkers',
  'onlineWorkers',
  'kernelCacheBytes',
  'connectionIdleMs',
  'connectionMs',
] satisfies (keyof ServerLimits)[];

/** Longest timer of Node (ms); a longer one would fire at once. */
export const TIMER_MS = 2 ** 31 - 1;

/** The largest value of a limit, if it is smaller than the largest safe integer. */
const LARGEST: Readonly<Record<string, number>> = {
  ...{ idleMs: TIMER_MS, sessionMs: TIMER_MS, inferenceMs: TIMER_MS },
  ...{ connectionIdleMs: TIMER_MS, connectionMs: TIMER_MS },
  bundlesPerStream: BUNDLES_PER_SESSION,
};

/** Returns the defaults with `changes`. Throws 'config/invalid' for a limit that is not a positive whole number. */
export function completeLimits(changes: Partial<ServerLimits> = {}): ServerLimits {
  for (const [name, value] of Object.entries(changes)) {
    if (!Object.hasOwn(DEFAULT_LIMITS, name))
      throw new SphynxError('config/invalid', `there is no limit ${name}`);
    const largest = LARGEST[name] ?? Math.floor(Number.MAX_SAFE_INTEGER / 4);
    if (!Number.isInteger(value) || value < 1 || value > largest)
      throw new SphynxError(
        'config/invalid',
        `the limit ${name} must be a whole number from 1 to ${largest}, not ${value}`,
      );
  }
  return { ...DEFAULT_LIMITS, ...changes };
}

/** Applies `wanted`, except FIXED_LIMITS, to `limits`, which others read at each use. */
export function changeLimits(
  limits: { -readonly [Name in keyof ServerLimits]: number },
  wanted: ServerLimits,
): void {
  for (const name of Object.keys(limits) as (keyof ServerLimits)[])
    if (!FIXED_LIMITS.includes(name)) limits[name] = wanted[name];
}

/** How often expired bundles are deleted and traces of spent ones erased (ms). */
export const SWEEP_MS = MINUTE_MS;

/**
 * Default grace period of `stop` for running inferences and preparations (ms): a bundle takes seconds on a good link.
 */
export const GRACE_MS = 10_000;

/** How long final statuses may take to be sent before connections are cut (ms). */
export const FLUSH_MS = 500;

/** How long workers keep a removed model (ms): longer than the time from agreeing on it to starting the work. */
export const FORGET_MS = 30_000;

/** How long a client may take for the handshake (ms): more than any link needs. */
export const HANDSHAKE_MS = 10_000;

/** Retry hint when memory is short for a preparation (ms): the longest running ones take a few seconds. */
export const MEMORY_RETRY_MS = 5000;

/** Retry hint when no inference is admitted (ms): most inferences take less time. */
export const INFERENCE_RETRY_MS = 250;

/** Retry hint of a stopping server (ms): by then a load balancer sends new connections to another one. */
export const STOPPING_RETRY_MS = 500;

/**
 * Pause before a crashed worker is replaced (ms), so that a worker which cannot start is not restarted in a tight loop.
 */
export const RESPAWN_MS = 1000;

/** Concurrent gRPC calls on one connection; HTTP/2 delays further ones. */
export const CALLS_PER_CONNECTION = 100;
