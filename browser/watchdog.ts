/** How often a worker is asked for a sign of life (ms). */
const PING_MS = 1000;

/** What a watchdog knows of its worker. */
export interface Watched {
  /** Whether somebody waits for the worker. */
  busy(): boolean;
  /** Asks the worker for a sign of life. */
  ping(): Promise<void>;
  /** Called once if the worker gives none for `patienceMs`. */
  onSilence(): void;
  readonly patienceMs: number;
}

/**
 * Notices a worker that computes without a pause for longer than any real work takes. It counts its own ticks, because
 * browsers slow down pages in the background and stop them while the machine sleeps.
 */
export class Watchdog {
  readonly #worker: Watched;
  #timer: ReturnType<typeof setInterval> | undefined;
  /** Ticks since a ping that has not been answered. */
  #silent = 0;

  constructor(worker: Watched) {
    this.#worker = worker;
  }

  /** Watches while the worker is busy, and longer if it does not answer. */
  watch(): void {
    this.#timer ??= setInterval(() => this.#tick(), PING_MS);
  }

  stop(): void {
    clearInterval(this.#timer);
    this.#timer = undefined;
  }

  #tick(): void {
    const { busy, ping, onSilence, patienceMs } = this.#worker;
    if (this.#silent === 0 && !busy()) this.stop();
    else if (this.#silent * PING_MS > patienceMs) onSilence();
    else if (this.#silent++ === 0)
      ping().then(
        () => {
          this.#silent = 0;
        },
        () => {},
      );
  }
}
