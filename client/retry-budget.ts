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

/** The total time that a client waits for a server that refuses temporarily. */
export class RetryBudget {
  #leftMs: number;

  constructor(ms: number) {
    this.#leftMs = ms;
  }

  /**
   * Resolves when it is worth trying again after `error`. Throws `error` at once if it has no retry hint or the hint is
   * beyond the deadline, and 'aborted' when the signal fires.
   */
  async wait(error: unknown, signal?: AbortSignal): Promise<void> {
    const { code, retryAfterMs } = asSphynxError(error);
    if (!PASSING.includes(code) || retryAfterMs === undefined || retryAfterMs > this.#leftMs) throw error;
    const start = performance.now();
    await delay(retryAfterMs, signal);
    checkAborted(signal);
    this.#leftMs -= Math.max(1, performance.now() - start);
  }
}
