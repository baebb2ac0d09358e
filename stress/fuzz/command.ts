import { Command } from 'commander';
import { wholeNumber } from '../../bench/arguments.ts';
import type { Failure } from './campaign.ts';
import { type FuzzReport, fuzz } from './fuzz.ts';

interface Options {
  readonly cases: number;
  readonly seed: number;
  readonly case?: number;
  readonly json?: boolean;
}

/** `fuzz`: hostile clients against the server, and hostile servers against the client. Fails if any case does. */
export function fuzzCommand(note: (text: string) => void): Command {
  return new Command('fuzz')
    .description(
      'mutated conversations against server and client: faults must be refused, and nothing may break',
    )
    .option('--cases <count>', 'how many', wholeNumber, 100_000)
    .option('--seed <number>', 'which', wholeNumber, 1)
    .option('--case <number>', 'only this one of the seed', Number)
    .option('--json', 'print one JSON object on stdout')
    .action(async ({ cases, seed, case: only, json }: Options) => {
      const [first, end] = only === undefined ? [0, cases] : [only, only + 1];
      const shown = new Set<string>();
      const onProgress = (done: number, failures: readonly Failure[]) => {
        for (const text of failures.map(describeFailure).filter((each) => !shown.has(each))) {
          shown.add(text);
          note(text);
        }
        note(`${done} of ${end - first} cases, ${failures.length} failures`);
      };
      const report = await fuzz({ seed, first, end, onProgress });
      process.stdout.write(`${json ? JSON.stringify(report) : describeFuzz(report)}\n`);
      if (report.failures.length > 0) process.exitCode = 1;
    });
}

/** Describes the result for people: failures with commands to reproduce them, or the outcomes. */
export function describeFuzz({
  cases,
  seed,
  seconds,
  failures,
  outcomes,
  honest,
  processes,
}: FuzzReport): string {
  const megabytes = (bytes: number) => `${(bytes / 1e6).toFixed(0)} MB`;
  return [
    `${cases} cases of seed ${seed} in ${seconds.toFixed(0)} s: ${failures.length} failures; honest clients served ${honest} times in between`,
    ...Object.entries(outcomes)
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([dialogue, counts]) => `  ${dialogue}: ${describeCounts(counts)}`),
    ...processes.map(
      ({ resident, array }) =>
        `memory: ${megabytes(resident.start)} resident at first, ${megabytes(resident.end)} at last (bound ${megabytes(resident.bound)}), ${megabytes(resident.peak)} at most with garbage; largest array ${array.largest} bytes (bound ${array.bound})`,
    ),
    ...failures.map(describeFailure),
  ].join('\n');
}

function describeFailure({ seed, case: number, what }: Failure): string {
  if (number === undefined) return `FAILED: ${what}`;
  return `FAILED: ${what}\n  again: npm run stress -- fuzz --seed ${seed} --case ${number}`;
}

function describeCounts(counts: Record<string, number>): string {
  const sorted = Object.entries(counts).sort(([, a], [, b]) => b - a);
  return sorted.map(([outcome, count]) => `${outcome} ${count}`).join(', ');
}
