import { setTimeout as delay } from 'node:timers/promises';
import { asSphynxError, SphynxError } from '../../errors/sphynx-error.ts';
import { answerCalls } from '../../platform/node/thread.ts';

/** What the thread of calls.test.ts answers. */
export interface EchoCalls {
  double: { given: number; result: number };
  /** Tells 0, 1, ... before it answers. */
  count: { given: number; result: string; event: number };
  /** Waits until it is aborted. */
  wait: { given: undefined; result: string };
  refuse: { given: undefined };
  break: { given: undefined };
  /** Breaks too, after its fault was wrapped. */
  wrap: { given: undefined };
  die: { given: undefined };
}

answerCalls<EchoCalls>({
  double: (value) => 2 * value,
  count: async (most, { tell }) => {
    for (let i = 0; i < most; i++) tell(i);
    await delay(1);
    return 'counted';
  },
  wait: (_, { signal }) =>
    new Promise((resolve) => {
      signal.addEventListener('abort', () => resolve('aborted'));
    }),
  refuse: () => {
    throw new SphynxError('server/busy', 'come back', { retryAfterMs: 7 });
  },
  break: () => {
    throw new TypeError('a fault of ours');
  },
  wrap: () => {
    throw asSphynxError(new TypeError('a fault of ours'));
  },
  die: () => process.exit(1),
});
