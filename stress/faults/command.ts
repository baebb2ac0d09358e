import { Command } from 'commander';
import { wholeNumber } from '../../bench/arguments.ts';
import { type FaultReport, type Faults, measureFaults } from './run.ts';

interface Options {
  readonly model: string;
  readonly clients: number;
  readonly only?: string;
  readonly json?: boolean;
}

/** `stress faults`: the exit code is 1 if a fault had an unacceptable effect. */
export function faultsCommand(note: (text: string) => void): Command {
  return new Command('faults')
    .description('crashes, full disks, bad peers and false clocks while clients are at work')
    .option('-m, --model <model>', 'as for online', 'sphynx:2,2,0@8')
    .option('--clients <count>', 'client processes under load', wholeNumber, 3)
    .option('--only <name>', 'faults whose name contains it')
    .option('--json', 'print one JSON object on stdout')
    .action(async ({ json, ...options }: Options) => {
      const faults = await measureFaults({ ...options, note });
      process.stdout.write(`${json ? JSON.stringify(faults) : describeFaults(faults)}\n`);
      if (faults.audit.length > 0 || faults.faults.some(({ complaints }) => complaints.length > 0))
        process.exitCode = 1;
    });
}

/** Describes the result for people. */
function describeFaults({ faults, inferences, spent, audit }: Faults): string {
  const seconds = (ms: number) => `${(ms / 1000).toFixed(1)} s`;
  const lines = ({ fault, recoveryMs, longestMs, told, complaints }: FaultReport) => [
    `${fault}: recovery ${seconds(recoveryMs)}, longest call ${seconds(longestMs)}`,
    ...told.map(({ code, message, times }) => `  ${times} x ${code}: ${message}`),
    ...complaints.map((complaint) => `  WRONG: ${complaint}`),
  ];
  return [
    ...faults.flatMap(lines),
    `${inferences} inferences, ${spent} bundles spent, ${audit.length === 0 ? 'none of them twice' : 'but:'}`,
    ...audit.map((complaint) => `WRONG: ${complaint}`),
  ].join('\n');
}
