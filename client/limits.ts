import { SphynxError } from '../errors/sphynx-error.ts';
import { IDLE_MS } from '../transport/limits.ts';

/** Deadlines of a client. `connect` can override the defaults. */
export interface Deadlines {
  /** Longest wait for the connection and for each short call: models, model card (ms). */
  readonly connectMs: number;
  /** Longest silence of the server in the middle of a conversation (ms). */
  readonly idleMs: number;
  /** Longest time that deriving a plan from a server's card may take (ms). */
  readonly planMs: number;
  /** Longest total wait for a server that refuses by a limit with a retry hint (ms). */
  readonly queueMs: number;
}

export const DEFAULT_DEADLINES: Deadlines = {
  // Even a distant, busy server answers in a second.
  connectMs: 10_000,
  idleMs: IDLE_MS,
  // Real models take well below a second; a hostile card of 1 MB could take hours.
  planMs: 20_000,
  // When many clients fill their pools at once, this takes minutes.
  queueMs: 10 * 60_000,
};

/** Longest timer of Node (ms); a longer one would fire at once. */
const TIMER_MS = 2 ** 31 - 1;

/** Returns the defaults with `changes`. Throws 'config/invalid' for a deadline that is not a positive whole number. */
export function completeDeadlines(changes: Partial<Deadlines> = {}): Deadlines {
  for (const [name, value] of Object.entries(changes)) {
    if (!Object.hasOwn(DEFAULT_DEADLINES, name))
      throw new SphynxError('config/invalid', `there is no deadline ${name}`);
    if (!Number.isInteger(value) || value < 1 || value > TIMER_MS)
      throw new SphynxError(
        'config/invalid',
        `the deadline ${name} must be whole milliseconds, not ${value}`,
      );
  }
  return { ...DEFAULT_DEADLINES, ...changes };
}

/** How long a broken connection may take to be restored before a call fails (ms): several attempts. */
export const RECONNECT_MS = 3000;

/** Pause before a preparation, or any call of a page, tries another connection (ms). */
export const RECONNECT_PAUSE_MS = 500;

/** gRPC options of a connection, besides those of the transport. */
export const CONNECTION_OPTIONS = {
  // gRPC's own pauses grow to two minutes, during which a restored server would still count as unreachable.
  'grpc.initial_reconnect_backoff_ms': 100,
  'grpc.max_reconnect_backoff_ms': 1000,
  // DNS records must not configure our calls.
  'grpc.service_config_disable_resolution': 1,
};

/** How long a server may take to end a stream that the client has ended (ms): one round trip on a bad link. */
export const CLOSE_STREAM_MS = 1000;

/**
 * Connections that may break one after another while a bundle is prepared. Also the bundles tried for one image when the
 * server does not know them or the connection breaks before it accepts one: nothing masked has been sent then, but every
 * try uses up a bundle.
 */
export const ATTEMPTS = 4;

/**
 * Threads that spend bundles, and thus concurrent inferences: as many as servers allow one client by default. Each
 * waits for the network most of the time, so several threads help even on one processor.
 */
export const ONLINE_THREADS = 4;

/** Threads that prepare bundles: one keeps a processor and a link busy. */
export const OFFLINE_THREADS = 1;

/**
 * JavaScript heap of a thread (MB): a plan takes a few, and tensors are outside the heap; a hostile card must not
 * exhaust the memory.
 */
export const THREAD_HEAP_MB = 1024;

/** Largest ciphertexts of one tensor or part of a layer (bytes): they are held in memory as a whole. */
export const MAX_TENSOR_BYTES = 2 ** 30;

/** How often a full pool checks whether another process has taken a bundle or one has expired (ms). */
export const POOL_CHECK_MS = 5000;

/** A pool's first and longest pause after failures (ms). */
export const POOL_RETRY_MS = { least: 1000, most: 60_000 };

/** Longest lifetime of a bundle (ms), whatever the server says: one year. */
export const MAX_LIFETIME_MS = 365 * 24 * 60 * 60 * 1000;

/** Largest bundle (bytes): more than the largest ImageNet network of the papers needs. */
export const MAX_BUNDLE_BYTES = 2 ** 34;

/**
 * Space that a bundle must leave free on the disk (bytes): the server decides how large bundles are, and other programs
 * need the disk too.
 */
export const RESERVE_BYTES = 2 ** 27;

/**
 * Largest image that is decoded (pixels): larger than any camera's, and small enough, at 4 bytes a pixel, that a small
 * file which decompresses to a huge picture cannot exhaust the memory.
 */
export const MAX_IMAGE_PIXELS = 120_000_000;
