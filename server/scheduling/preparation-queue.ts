import { SphynxError } from '../../errors/sphynx-error.ts';
import { MovingAverage } from './moving-average.ts';

export interface QueueLimits {
  /** Concurrent preparations. */
  readonly preparations: number;
  /** Queued preparations. */
  readonly preparationQueue: number;
  /** How long a client waits for the server's next message (ms). */
  readonly idleMs: number;
}

/** Estimate before the first bundle is done (ms): for a network of 25,000 ReLUs on one core. */
const FIRST_GUESS_MS = 3000;

/** Share of a client's idle timeout that a bundle may spend in the queue. */
const PATIENCE = 0.5;

/** Shortest and longest retry hint for a refused client (ms). */
const RETRY_MS = { least: 500, most: 60_000 };

/**
 * Decides who may prepare a bundle next. A few bundles are prepared concurrently, and the others wait in one queue per
 * client, served round robin, so a client that asks for many bundles delays only itself. The queue is bounded in length
 * and in time; a client that finds it full is refused at once with a retry hint.
 */
export class PreparationQueue {
  readonly #limits: QueueLimits;
  readonly #turnMs = new MovingAverage();
  /** Waiting clients, in the order of their turns. */
  readonly #waiting = new Map<string, (() => void)[]>();
  #length = 0;
  #inWork = 0;

  constructor(limits: QueueLimits) {
    this.#limits = limits;
  }

  /** Bundles in the queue. */
  get length(): number {
    return this.#length;
  }

  /** Bundles that are being prepared. */
  get inWork(): number {
    return this.#inWork;
  }

  /** Expected wait of a new bundle (ms). */
  get expectedWaitMs(): number {
    const { preparations } = this.#limits;
    if (this.#inWork < preparations) return 0;
    return Math.round(((this.#length + 1) / preparations) * (this.#turnMs.value ?? FIRST_GUESS_MS));
  }

  /** Throws 'server/busy' with a retry hint if a bundle would not be admitted to the queue now. */
  checkRoom(): void {
    const { preparations, preparationQueue, idleMs } = this.#limits;
    const wait = this.expectedWaitMs;
    const full = this.#inWork >= preparations && this.#length >= preparationQueue;
    if (full || wait > PATIENCE * idleMs)
      throw new SphynxError(
        'server/busy',
        `${this.#length} preparations are queued, which is the server's limit; try again later`,
        { retryAfterMs: this.retryAfterMs },
      );
  }

  /** Retry hint for a client that is refused now (ms). */
  get retryAfterMs(): number {
    return Math.min(RETRY_MS.most, Math.max(RETRY_MS.least, this.expectedWaitMs));
  }

  /**
   * Resolves when `client` may prepare one bundle, until the returned function is called. Throws 'server/busy' as
   * `checkRoom`, or the reason of `signal`.
   */
  async turn(client: string, signal: AbortSignal): Promise<() => void> {
    signal.throwIfAborted();
    if (this.#inWork >= this.#limits.preparations) {
      this.checkRoom();
      await this.#wait(client, signal);
    } else this.#inWork++;
    const start = performance.now();
    let over = false;
    return () => {
      if (over) return;
      over = true;
      this.#turnMs.add(performance.now() - start);
      this.#next();
    };
  }

  async #wait(client: string, signal: AbortSignal): Promise<void> {
    const turn = Promise.withResolvers<void>();
    const waiting = () => turn.resolve();
    const own = this.#waiting.get(client) ?? [];
    this.#waiting.set(client, own);
    own.push(waiting);
    this.#length++;
    const give = () => {
      const place = own.indexOf(waiting);
      if (place < 0) return;
      own.splice(place, 1);
      if (own.length === 0) this.#waiting.delete(client);
      this.#length--;
      turn.reject(signal.reason);
    };
    signal.addEventListener('abort', give, { once: true });
    await turn.promise.finally(() => signal.removeEventListener('abort', give));
  }

  /** Passes the place of a finished bundle to the next client. */
  #next(): void {
    const [entry] = this.#waiting;
    if (!entry) {
      this.#inWork--;
      return;
    }
    const [client, own] = entry;
    const resume = own.shift();
    this.#waiting.delete(client);
    if (own.length > 0) this.#waiting.set(client, own);
    this.#length--;
    resume?.();
  }
}
