import { appendFileSync } from 'node:fs';
import { join } from 'node:path';
import { threadId } from 'node:worker_threads';
import { type Step, traceSteps } from '../../protocol/trace.ts';

/** Environment variable with a folder. If it is set, every thread that plays a role writes its steps there. */
export const TRACE_FOLDER = 'SPHYNX_TRACE';

/** A step as a line of JSON. Names and times only: nothing here is secret. */
export interface LoggedStep extends Step {
  readonly party: 'client' | 'server';
  readonly process: number;
  readonly thread: number;
  /** Milliseconds since the epoch, in fractions: comparable between processes of one machine. */
  readonly at: number;
}

/** How long steps are buffered before they are written together (ms). */
const BATCH_MS = 20;

/** Logs the steps of this thread if the environment asks for it: `SPHYNX_TRACE=FOLDER sphynx serve`. */
export function logSteps(party: LoggedStep['party']): void {
  const folder = process.env[TRACE_FOLDER];
  if (!folder) return;
  const file = join(folder, `${party}-${process.pid}-${threadId}.ndjson`);
  let lines: string[] = [];
  traceSteps((step) => {
    if (lines.length === 0)
      setTimeout(() => {
        appendFileSync(file, lines.join(''));
        lines = [];
      }, BATCH_MS);
    const logged: LoggedStep = {
      ...step,
      party,
      process: process.pid,
      thread: threadId,
      at: performance.timeOrigin + step.start,
    };
    lines.push(`${JSON.stringify(logged)}\n`);
  });
}
