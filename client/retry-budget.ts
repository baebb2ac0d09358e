import { asSphynxError } from '../errors/sphynx-error.ts';
import { delay } from '../platform/delay.ts';
import { checkAborted } from './abort.ts';

/** Temporary failures: refusals by limits, and those of a stopping server that is being replaced. */
const PASSING: readonly string[] = [
  'server/busy',
  'quota/exceeded',
  'server/stopping',
  'server/unreachable',
  'protocol/closed',
];

/** The total time that a client spends on a server that refuses temporarily: until its refusals, and between them. */
export class RetryBudget {
  #leftMs: number;
  #begun = performance.now();

  constructor(ms: number) {
    this.#leftMs = ms;
  }

  /** Counts from now on: call it when the server is asked, and after work that was not in vain. */
  begin(): void {
    this.#begun = performance.now();
  }

  /**
   * Resolves when it is worth trying again after `error`. Throws `error` at once if it has no retry hint or the hint is
   * beyond the deadline, and 'aborted' when the signal fires.
   */
  async wait(error: unknown, signal?: AbortSignal): Promise<void> {
    const { code, retryAfterMs } = asSphynxError(error);
    const waited = performance.now() - this.#begun;
    if (!PASSING.includes(code) || retryAfterMs === undefined || waited + retryAfterMs > this.#leftMs)
      throw error;
    await delay(retryAfterMs, signal);
    checkAborted(signal);
    this.#leftMs -= Math.max(1, performance.now() - this.#begun);
    this.begin();
  }
}
