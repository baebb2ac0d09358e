import { SphynxError } from '../errors/sphynx-error.ts';
import type { Agreement } from '../protocol/plan.ts';
import { onAbort } from './abort.ts';
import type { PlanFacts } from './role-jobs.ts';
import type { RunnerPool } from './role-runner.ts';

/**
 * Derives the plan of a server's model. The server may be hostile, so a thread does it, which is stopped after `planMs`
 * or when `signal` fires. Throws 'model/unsupported' if it takes longer, or more memory, than any real model's.
 */
export async function derivePlan(
  threads: RunnerPool,
  agreement: Agreement,
  planMs: number,
  signal?: AbortSignal,
): Promise<PlanFacts> {
  return threads.with(signal, async (thread) => {
    const stop = Promise.withResolvers<never>();
    const release = onAbort(signal, stop.reject);
    const timer = setTimeout(() => stop.reject(tooComplex(agreement)), planMs);
    try {
      return await Promise.race([thread.call('load', { agreement }), stop.promise]);
    } catch (error) {
      const cause = (error as SphynxError).cause as NodeJS.ErrnoException | undefined;
      throw cause?.code === 'ERR_WORKER_OUT_OF_MEMORY' ? tooComplex(agreement, cause) : error;
    } finally {
      clearTimeout(timer);
      release();
    }
  });
}

function tooComplex({ card }: Agreement, cause?: unknown): SphynxError {
  return new SphynxError(
    'model/unsupported',
    `the server's model ${card.name} is too complex: its plan takes more time or memory than this client gives it`,
    { cause },
  );
}
