import { asSphynxError, SphynxError } from '../errors/sphynx-error.ts';
import { onAbort } from './abort.ts';
import { POOL_CHECK_MS, POOL_RETRY_MS } from './limits.ts';

/** Status of a pool. */
export interface PoolStatus {
  /**
   * `full`: nothing to do; `filling`: preparing; `retrying`: failed and waiting to try again; `stopped`: permanently.
   */
  readonly state: 'full' | 'filling' | 'retrying' | 'stopped';
  /** Bundles that were ready at the last check. */
  readonly ready: number;
  /** The failure, while retrying. */
  readonly error?: SphynxError;
  /** Time from this status until the pool tries again (ms), while retrying. */
  readonly retryInMs?: number;
}

/** Options of a pool. */
export interface PoolOptions {
  /** May be left out if the server has one model only. */
  readonly model?: string;
  /** The pool refills when fewer bundles than this are ready. */
  readonly low: number;
  /** The pool stops refilling when this many bundles are ready. */
  readonly high: number;
  /** Called at every change; must return quickly. What it throws is ignored. */
  readonly onStatus?: (status: PoolStatus) => void;
}

/** The source of a pool's bundles. */
export interface PoolSource {
  /** Returns the number of ready bundles. */
  count(signal: AbortSignal): Promise<number>;
  /** Prepares `count` bundles, and calls `onReady` after each. */
  prepare(count: number, onReady: () => void, signal: AbortSignal): Promise<unknown>;
}

/**
 * Keeps bundles of one model ready: when fewer than `low` are left, it prepares in the background until there are
 * `high`. After a failure it tries again, after a pause that doubles each time or that the server requests.
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

  /** The current status of the pool. */
  get status(): PoolStatus {
    return this.#status;
  }

  /** Checks at once whether bundles are missing, after one has been taken. */
  check(): void {
    this.#wake();
  }

  /**
   * Resolves when a bundle is ready. Throws what keeps the pool from preparing one, and 'aborted' if the pool or the
   * caller stops.
   */
  async some(signal?: AbortSignal): Promise<void> {
    const some = Promise.withResolvers<void>();
    // It may fail while the bundles are counted, before anyone waits for it.
    some.promise.catch(() => {});
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

  /** Stops the pool and resolves when nothing is running. An unfinished bundle is removed; ready bundles stay. */
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
    // Taking a bundle meanwhile does not shorten the pause.
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
    try {
      this.#options.onStatus?.(status);
    } catch {
      // A fault of the application's must not end the pool.
    }
  }
}
