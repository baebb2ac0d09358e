import { SphynxError } from '../../errors/sphynx-error.ts';

export interface AdmissionLimits {
  readonly inAll: number;
  readonly perClient: number;
}

/** Limits the concurrent calls of one kind, in total and per client. */
export class Admission {
  readonly #what: string;
  readonly #limits: () => AdmissionLimits;
  readonly #running = new Map<string, number>();
  #total = 0;
  #idle: (() => void)[] = [];

  readonly #retryAfterMs: () => number | undefined;

  /**
   * @param what plural noun for the calls, used in messages
   * @param limits read at each entry
   * @param retryAfterMs when a refused client should try again (ms)
   */
  constructor(
    what: string,
    limits: () => AdmissionLimits,
    retryAfterMs: () => number | undefined = () => undefined,
  ) {
    this.#retryAfterMs = retryAfterMs;
    this.#what = what;
    this.#limits = limits;
  }

  /** Admits one call of `client`, which ends when the returned function is called. Throws 'server/busy'. */
  enter(client: string): () => void {
    const own = this.#running.get(client) ?? 0;
    const { inAll, perClient } = this.#limits();
    if (own >= perClient)
      throw new SphynxError(
        'server/busy',
        `this client already runs ${own} ${this.#what} at once, which is its limit`,
        { retryAfterMs: this.#retryAfterMs() },
      );
    if (this.#total >= inAll)
      throw new SphynxError(
        'server/busy',
        `the server already runs ${this.#total} ${this.#what}, which is its limit; try again later`,
        { retryAfterMs: this.#retryAfterMs() },
      );
    this.#running.set(client, own + 1);
    this.#total++;
    let inside = true;
    return () => {
      if (inside) this.#leave(client);
      inside = false;
    };
  }

  /** Resolves when no call is running. */
  async idle(): Promise<void> {
    if (this.#total > 0) await new Promise<void>((resolve) => this.#idle.push(resolve));
  }

  #leave(client: string): void {
    const left = (this.#running.get(client) ?? 1) - 1;
    if (left > 0) this.#running.set(client, left);
    else this.#running.delete(client);
    this.#total--;
    if (this.#total === 0) for (const resolve of this.#idle.splice(0)) resolve();
  }
}
