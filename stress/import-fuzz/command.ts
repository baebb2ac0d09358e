import { Command } from 'commander';
import { wholeNumber } from '../../bench/arguments.ts';
import { Thread, threadFile } from '../../platform/node/thread.ts';
import type { Outcome } from './import-case.ts';
import type { CaseAnswer, CaseCalls } from './worker.ts';

/** Longest time of a case (ms): ten seconds, generous for a busy machine. */
const LONGEST_MS = 10_000;
/**
 * Largest memory of the process (bytes): a valid import of these small files, and the gigabyte that constants may take.
 */
const MOST_BYTES = 2.5 * 2 ** 30;
const MOST_FAULTS = 20;

/** `npm run stress -- fuzz-import`: changed ONNX files are refused by name or imported as onnxruntime runs them. */
export function fuzzImportCommand(): Command {
  return new Command('fuzz-import')
    .description('imports ONNX files with changed bytes and structure: a clear refusal or the right network')
    .option('--cases <count>', 'files', wholeNumber, 10_000)
    .option('--seed <number>', 'seed of the first file; later files have consecutive seeds', wholeNumber, 1)
    .action(async ({ cases, seed }: { cases: number; seed: number }) => {
      process.exitCode = (await fuzzImport(seed, cases, (line) => console.log(line))) > 0 ? 1 : 0;
    });
}

/** Runs the cases and returns how many faults there were. */
async function fuzzImport(first: number, cases: number, say: (line: string) => void): Promise<number> {
  const counts: Record<Outcome, number> = { refused: 0, equal: 0, 'not comparable': 0 };
  let [faults, slowest, largest] = [0, 0, 0];
  let worker = start();
  for (let seed = first; seed < first + cases && faults < MOST_FAULTS; seed++) {
    const answer = await answerOf(worker, seed);
    const fault = faultOf(answer);
    if (typeof answer === 'string') worker = start();
    else {
      slowest = Math.max(slowest, answer.ms);
      largest = Math.max(largest, answer.rss);
      if (typeof answer.result === 'string') counts[answer.result]++;
    }
    if (fault) {
      faults++;
      say(`case ${seed}: ${fault}`);
    }
    if ((seed - first + 1) % 1000 === 0) say(`${seed - first + 1} files, ${faults} faults`);
  }
  await worker.stop();
  const outcomes = Object.entries(counts).map(([outcome, count]) => `${count} ${outcome}`);
  say(
    `${outcomes.join(', ')}, ${faults} faults; the slowest took ${Math.round(slowest)} ms, memory reached ${Math.round(largest / 2 ** 20)} MB`,
  );
  return faults;
}

function start(): Thread<CaseCalls> {
  return new Thread(threadFile(import.meta.url, './worker'));
}

function faultOf(answer: CaseAnswer | string): string | null {
  if (typeof answer === 'string') return answer;
  if (typeof answer.result !== 'string') return answer.result.fault;
  return answer.rss > MOST_BYTES ? `the process takes ${Math.round(answer.rss / 2 ** 20)} MB` : null;
}

/** Returns the thread's answer, or why there is none. */
async function answerOf(thread: Thread<CaseCalls>, seed: number): Promise<CaseAnswer | string> {
  const late = Promise.withResolvers<string>();
  const deadline = setTimeout(() => late.resolve(`it takes more than ${LONGEST_MS} ms`), LONGEST_MS);
  const answer = thread.call('run', seed).catch(() => 'it ended the thread');
  const given = await Promise.race([late.promise, answer]);
  clearTimeout(deadline);
  if (typeof given === 'string') await thread.stop();
  return given;
}
