/** Runs cases one by one for the command, which terminates this thread if one takes too long. */
import { answerCalls } from '../../platform/node/thread.ts';
import { type Outcome, runImportCase } from './import-case.ts';

export interface CaseAnswer {
  readonly result: Outcome | { readonly fault: string };
  readonly ms: number;
  readonly rss: number;
}

export interface CaseCalls {
  run: { given: number; result: CaseAnswer };
}

answerCalls<CaseCalls>({
  run: async (seed) => {
    const start = performance.now();
    const result = await runImportCase(seed).catch((error: unknown) => ({
      fault: error instanceof Error ? (error.stack ?? error.message) : String(error),
    }));
    return { result, ms: performance.now() - start, rss: process.memoryUsage.rss() };
  },
});
