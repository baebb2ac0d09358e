import { Command } from 'commander';
import { wholeNumber } from '../../bench/arguments.ts';
import { describeSoak, measureSoak } from './soak.ts';

interface Options {
  readonly minutes: number;
  readonly clients: number;
  readonly replicas: number;
  readonly model: string;
  readonly json?: boolean;
}

/** `stress soak`: the exit code is 1 if anything was wrong, failed or leaked. */
export function soakCommand(note: (text: string) => void): Command {
  return new Command('soak')
    .description(
      'clients, servers and Redis under load for minutes: results, memory, descriptors, throughput',
    )
    .option('--minutes <count>', 'how long; the first fifth is warm-up', wholeNumber, 10)
    .option('--clients <count>', 'client processes', wholeNumber, 8)
    .option('--replicas <count>', 'servers that share the Redis', wholeNumber, 2)
    .option('-m, --model <model>', 'as for online', 'sphynx:2,2,0@8')
    .option('--json', 'print one JSON object on stdout')
    .action(async ({ json, ...options }: Options) => {
      const soak = await measureSoak({ ...options, note });
      process.stdout.write(`${json ? JSON.stringify(soak) : describeSoak(soak)}\n`);
      if (soak.complaints.length > 0) process.exitCode = 1;
    });
}
