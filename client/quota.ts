import { SphynxError } from '../errors/sphynx-error.ts';
import { MAX_QUOTA_MS } from './limits.ts';

/**
 * Remembers until when the server refuses this client's inferences. Every refused one uses up a bundle, so none is put
 * at stake before.
 */
export class Quota {
  readonly #clock: () => number;
  #refusedUntil = 0;

  /** @param clock milliseconds of a clock that nobody sets; a test seam */
  constructor(clock: () => number = () => performance.now()) {
    this.#clock = clock;
  }

  /** Throws 'quota/exceeded' while the server would refuse an inference. */
  check(): void {
    const retryAfterMs = this.#refusedUntil - this.#clock();
    if (retryAfterMs > 0)
      throw new SphynxError(
        'quota/exceeded',
        `the server grants this client no inference for the next ${Math.ceil(retryAfterMs / 60_000)} min; no bundle was used`,
        { retryAfterMs },
      );
  }

  /** Learns from how an inference failed. */
  learn({ code, retryAfterMs = 0 }: SphynxError): void {
    if (code === 'quota/exceeded') this.#refusedUntil = this.#clock() + Math.min(retryAfterMs, MAX_QUOTA_MS);
  }
}
