import { asSphynxError } from '../errors/sphynx-error.ts';
import { delay } from '../platform/delay.ts';
import { checkAborted } from './abort.ts';

/** Failures that pass: refusals by limits, and those of a server that stops while another one takes its place. */
const PASSING: readonly string[] = [
  'server/busy',
  'quota/exceeded',
  'server/stopping',
  'server/unreachable',
  'protocol/closed',
];

/** The time that a client gives to a server which refuses for the time being: all its waits together. */
export class RetryBudget {
  #leftMs: number;

  constructor(ms: number) {
    this.#leftMs = ms;
  }

  /**
   * Resolves when it is worth to try again after `error`. Throws it at once if it holds no hint, or the hint lies
   * beyond the deadline, 'aborted' when the signal fires.
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
