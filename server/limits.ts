import { availableParallelism, totalmem } from 'node:os';
import { SphynxError } from '../errors/sphynx-error.ts';
import { BUNDLES_PER_SESSION } from '../protocol/bundle.ts';
import { IDLE_MS } from '../transport/limits.ts';

const MINUTE_MS = 60_000;
const DAY_MS = 24 * 60 * MINUTE_MS;

/**
 * Every limit of the server. `startServer` takes others for all of them, and all but FIXED_LIMITS may change while it
 * runs: they are read at each use.
 */
export interface ServerLimits {
  /** Preprocess streams at once. */
  readonly sessions: number;
  /** Preprocess streams of one client at once. */
  readonly sessionsPerClient: number;
  /** Bundles in work at once. */
  readonly preparations: number;
  /** Bundles that wait to be prepared; more are refused. */
  readonly preparationQueue: number;
  /** Infer streams at once. */
  readonly inferences: number;
  /** Infer streams of one client at once. */
  readonly inferencesPerClient: number;
  /** Unspent bundles that one client may hold. */
  readonly bundlesPerClient: number;
  /** Inferences of one identity in an hour that begins with its first preparation or inference. */
  readonly inferencesPerHour: number;
  /** Inferences of one identity, ever: what it may learn about a model from its answers. */
  readonly inferencesTotal: number;
  /** Preparations that one identity may begin in the same hour; those that break off count too. */
  readonly preparationsPerHour: number;
  /** Preparations that one identity may begin, ever; those that break off count too. */
  readonly preparationsTotal: number;
  /** Payload of one identity, both directions, in an hour that begins with its first byte (bytes): by this server. */
  readonly bytesPerHour: number;
  /** Resident memory of the process from which on no preparation begins (bytes). */
  readonly memoryBytes: number;
  /** Connections at once; more are closed as they come. */
  readonly connections: number;
  /** How long a connection may carry no call (ms). */
  readonly connectionIdleMs: number;
  /** When a connection is told to make way for a new one (ms). Streams on it end as they would. */
  readonly connectionMs: number;
  /** Bundles that one Preprocess stream may ask for: at most BUNDLES_PER_SESSION, for a stream is a session. */
  readonly bundlesPerStream: number;
  /** How long a bundle can be spent after its preparation began (ms). */
  readonly bundleLifetimeMs: number;
  /** How long the server waits for a peer's next message, or for a peer to read (ms). */
  readonly idleMs: number;
  /** Payload per second (bytes) that a bundle in work must move, besides `idleMs` that it may take in any case. */
  readonly slowestBytesPerSecond: number;
  /** Longest life of a Preprocess stream (ms). */
  readonly sessionMs: number;
  /** Longest life of an Infer stream (ms). */
  readonly inferenceMs: number;
  /** Threads that prepare bundles. */
  readonly offlineWorkers: number;
  /** Threads that run inferences. */
  readonly onlineWorkers: number;
  /** Memory of each preparing thread for kernels in the form that it multiplies (bytes); it has room for 256 MB. */
  readonly kernelCacheBytes: number;
}

/** What holds where `startServer` is told nothing else; `server/limits.ts` gives the reason of each. */
export const DEFAULT_LIMITS: ServerLimits = {
  // Each session holds keys of some MB.
  sessions: 32,
  // One to prepare with, and one that a vanished connection has not given back yet.
  sessionsPerClient: 2,
  // Enough to keep the processors busy while some wait for slow links; each holds up to 17 MiB of unread segments.
  preparations: 8,
  // As many as there are sessions to wait: at 3 s each, clients lose patience first, and are refused.
  preparationQueue: 24,
  // An inference holds little; more at once only wait for each other's processor.
  inferences: 32,
  inferencesPerClient: 4,
  // A record is 500 bytes, but every bundle is a licence to ask the model once.
  bundlesPerClient: 256,
  // Three a second without a pause, until the total is used up.
  inferencesPerHour: 10_000,
  // With `output: label` an inference tells at most log2(classes) bits: ten thousand tell 8 KB of a model of hundred
  // classes, whose weights are hundreds of KB. Set it to what the clients need: it does not come back.
  inferencesTotal: 10_000,
  // A preparation takes up to a second of processor time, and a client that breaks every one off gets no further.
  preparationsPerHour: 10_000,
  // Twice the inferences: bundles expire, are dropped, and are begun anew after a connection broke.
  preparationsTotal: 20_000,
  // A full 2 Gbit/s link without a pause.
  bytesPerHour: 1e12,
  // Before the system begins to swap, or kills the process.
  memoryBytes: Math.floor(0.8 * Math.min(totalmem(), process.constrainedMemory() || totalmem())),
  // Far more than there are streams: clients keep theirs while they do nothing, and health is watched.
  connections: 1000,
  // Clients come back by themselves. Whoever only holds a place loses it.
  connectionIdleMs: 10 * MINUTE_MS,
  // Longer than any stream. New ones find replicas that were added, and are made with certificates that hold now.
  connectionMs: 120 * MINUTE_MS,
  bundlesPerStream: BUNDLES_PER_SESSION,
  // Long enough to prepare on one day and to spend on another; short enough that lost bundles vanish.
  bundleLifetimeMs: 7 * DAY_MS,
  idleMs: IDLE_MS,
  // 1 Mbit/s: a bundle of 40 MB has six minutes. There are few places, and who trickles would hold one for an hour.
  slowestBytesPerSecond: 125_000,
  // 16 bundles at 5 s and a slow link take minutes; an hour is a stream that will not end.
  sessionMs: 60 * MINUTE_MS,
  // One image takes less than a second on a fast link, and at 1 Mbit/s a minute for the largest network.
  inferenceMs: 5 * MINUTE_MS,
  // One processor stays with the online worker and the main thread.
  offlineWorkers: Math.max(1, availableParallelism() - 1),
  // An inference never waits behind a preparation, whose single steps take seconds.
  onlineWorkers: 1,
  // Three networks of 25,600 ReLUs; saves a fifth of the server's work. Larger ones use it in part.
  kernelCacheBytes: 256 * 2 ** 20,
};

/** Limits that threads and listeners are made with: changing one takes a restart. */
export const FIXED_LIMITS: readonly string[] = [
  'offlineWorkers',
  'onlineWorkers',
  'kernelCacheBytes',
  'connectionIdleMs',
  'connectionMs',
] satisfies (keyof ServerLimits)[];

/** Longest timer of Node (ms); a longer one would fire at once. */
export const TIMER_MS = 2 ** 31 - 1;

/** The largest value of a limit, where it is not what a number can hold. */
const LARGEST: Readonly<Record<string, number>> = {
  ...{ idleMs: TIMER_MS, sessionMs: TIMER_MS, inferenceMs: TIMER_MS },
  ...{ connectionIdleMs: TIMER_MS, connectionMs: TIMER_MS },
  bundlesPerStream: BUNDLES_PER_SESSION,
};

/** The defaults with `changes`. Throws 'config/invalid' for a limit that is no positive whole number. */
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

/** Makes `wanted` hold, but for FIXED_LIMITS, for everybody who reads `limits`. */
export function changeLimits(
  limits: { -readonly [Name in keyof ServerLimits]: number },
  wanted: ServerLimits,
): void {
  for (const name of Object.keys(limits) as (keyof ServerLimits)[])
    if (!FIXED_LIMITS.includes(name)) limits[name] = wanted[name];
}

/** How often expired bundles are deleted and traces of spent ones erased (ms). */
export const SWEEP_MS = MINUTE_MS;

/** Default patience of `stop` with inferences and bundles in work (ms): a bundle takes seconds on a good link. */
export const GRACE_MS = 10_000;

/** How long statuses of ended calls may take to leave before connections are cut (ms). */
export const FLUSH_MS = 500;

/** How long workers know a model that was removed (ms): longer than from agreeing on it to starting the work. */
export const FORGET_MS = 30_000;

/** How long a client may take to shake hands (ms): more than any link needs, and no place to rest. */
export const HANDSHAKE_MS = 10_000;

/** When to ask again whether there is memory for a preparation (ms): the longest of those that run take some seconds. */
export const MEMORY_RETRY_MS = 5000;

/** When to ask again whether there is a place for an inference (ms): most are over in less. */
export const INFERENCE_RETRY_MS = 250;

/** When to ask again a server that stops (ms): by then a balancer sends new connections to another one. */
export const STOPPING_RETRY_MS = 500;

/** Pause before a crashed worker is replaced (ms), so that one that cannot start does not spin. */
export const RESPAWN_MS = 1000;

/** gRPC calls at once on one connection; beyond it HTTP/2 makes a client wait. */
export const CALLS_PER_CONNECTION = 100;
