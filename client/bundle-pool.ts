import { asSphynxError, SphynxError } from '../errors/sphynx-error.ts';
import { onAbort } from './abort.ts';
import { POOL_CHECK_MS, POOL_RETRY_MS } from './limits.ts';

/** How a pool is doing. */
export interface PoolStatus {
  /** `full`: nothing to do; `filling`: it prepares; `retrying`: it failed and waits; `stopped`: for good. */
  readonly state: 'full' | 'filling' | 'retrying' | 'stopped';
  /** Bundles that were ready when the pool looked last. */
  readonly ready: number;
  /** What went wrong, while retrying. */
  readonly error?: SphynxError;
  /** When the pool tries again, from the call on (ms), while retrying. */
  readonly retryInMs?: number;
}

/** What a pool keeps ready. */
export interface PoolOptions {
  /** May be left out if the server has one model only. */
  readonly model?: string;
  /** The pool refills when fewer bundles than this are ready. */
  readonly low: number;
  /** It stops when so many are. */
  readonly high: number;
  /** Called at every change; must be quick. */
  readonly onStatus?: (status: PoolStatus) => void;
}

/** Where a pool's bundles are and come from. */
export interface PoolSource {
  /** Bundles that are ready. */
  count(signal: AbortSignal): Promise<number>;
  /** Prepares `count` bundles, and calls `onReady` after each. */
  prepare(count: number, onReady: () => void, signal: AbortSignal): Promise<unknown>;
}

/**
 * Keeps bundles of one model ready: prepares in the background whenever fewer than `low` are left, until there are
 * `high`. Failures do not end it; it tries again after a pause that doubles, or that the server asks for.
 */
export class BundlePool {
  /** The model that was asked for; undefined for the server's only one. */
  readonly model: string | undefined;
  readonly #options: PoolOptions;
  readonly #source: PoolSource;
  readonly #stopping = new AbortController();
  readonly #running: Promise<void>;
  #status: PoolStatus = { state: 'filling', ready: 0 };
  #failures = 0;
  #wake: () => void = () => {};
  readonly #watchers = new Set<(status: PoolStatus) => void>();

  /** Throws 'config/invalid'. @internal */
  constructor(source: PoolSource, options: PoolOptions) {
    const { low, high, model } = options;
    if (!Number.isInteger(low) || !Number.isInteger(high) || low < 1 || high < low)
      throw new SphynxError(
        'config/invalid',
        `a pool needs whole numbers 1 <= low <= high, got low ${low} and high ${high}`,
      );
    this.model = model;
    this.#source = source;
    this.#options = options;
    this.#running = this.#run();
  }

  /** How the pool is doing now. */
  get status(): PoolStatus {
    return this.#status;
  }

  /** Looks at once whether bundles are missing: somebody has taken one. */
  check(): void {
    this.#wake();
  }

  /** Resolves when a bundle is ready. Throws what keeps the pool from preparing one, 'aborted' if it or the caller stops. */
  async some(signal?: AbortSignal): Promise<void> {
    const some = Promise.withResolvers<void>();
    const watch = ({ state, ready, error }: PoolStatus) => {
      if (ready > 0) some.resolve();
      else if (error) some.reject(error);
      else if (state === 'stopped') some.reject(new SphynxError('aborted', 'the pool was stopped'));
    };
    const release = onAbort(signal, some.reject);
    this.#watchers.add(watch);
    try {
      watch({ ...this.#status, ready: await this.#source.count(this.#stopping.signal) });
      this.check();
      await some.promise;
    } finally {
      this.#watchers.delete(watch);
      release();
    }
  }

  /** Resolves when nothing runs any more; of a bundle in work nothing is left, those that are ready stay. */
  async stop(): Promise<void> {
    this.#stopping.abort();
    this.#wake();
    await this.#running;
  }

  async #run(): Promise<void> {
    const { signal } = this.#stopping;
    const { low, high } = this.#options;
    while (!signal.aborted)
      try {
        const ready = await this.#source.count(signal);
        if (ready < (this.#status.state === 'full' ? low : high)) await this.#fill(ready, high - ready);
        else this.#set({ state: 'full', ready });
        this.#failures = 0;
        if (this.#status.state === 'full') await this.#pause(POOL_CHECK_MS);
      } catch (failure) {
        if (!signal.aborted) await this.#retry(asSphynxError(failure));
      }
    this.#set({ state: 'stopped', ready: this.#status.ready });
  }

  async #fill(ready: number, count: number): Promise<void> {
    this.#set({ state: 'filling', ready });
    const onReady = () => this.#set({ state: 'filling', ready: this.#status.ready + 1 });
    await this.#source.prepare(count, onReady, this.#stopping.signal);
  }

  async #retry(error: SphynxError): Promise<void> {
    const { least, most } = POOL_RETRY_MS;
    const pause = Math.min(most, least * 2 ** this.#failures++);
    const retryInMs = Math.max(pause, error.retryAfterMs ?? 0);
    this.#set({ state: 'retrying', ready: this.#status.ready, error, retryInMs });
    const end = performance.now() + retryInMs;
    // Whoever takes a bundle meanwhile does not cut the pause short.
    for (let left = retryInMs; left > 0 && !this.#stopping.signal.aborted; left = end - performance.now())
      await this.#pause(left);
  }

  async #pause(ms: number): Promise<void> {
    if (this.#stopping.signal.aborted) return;
    const woken = Promise.withResolvers<void>();
    this.#wake = woken.resolve;
    const timer = setTimeout(woken.resolve, ms);
    await woken.promise;
    clearTimeout(timer);
  }

  #set(status: PoolStatus): void {
    const { state, ready, error } = this.#status;
    this.#status = status;
    if (status.state === state && status.ready === ready && status.error === error) return;
    for (const watch of [...this.#watchers]) watch(status);
    this.#options.onStatus?.(status);
  }
}
