import { parentPort } from 'node:worker_threads';
import { runImportCase } from './import-case.ts';

/** Runs cases one by one for the command, which ends this thread where one takes too long. */
parentPort?.on('message', async (seed: number) => {
  const start = performance.now();
  const result = await runImportCase(seed).catch((error: unknown) => ({
    fault: error instanceof Error ? (error.stack ?? error.message) : String(error),
  }));
  parentPort?.postMessage({ result, ms: performance.now() - start, rss: process.memoryUsage.rss() });
});
