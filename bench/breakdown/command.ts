import { existsSync } from 'node:fs';
import { Command } from 'commander';
import { networkProfile } from '../../transport/network-profiles.ts';
import { wholeNumber } from '../arguments.ts';
import { describeCores, pinnedCores } from '../cores.ts';
import { emptyResults, type Results, readResults, withEntry, writeResults } from '../results.ts';
import { describeBreakdown } from './describe.ts';
import type { BreakdownEntry } from './entry.ts';
import { recordBreakdown } from './record.ts';

interface Options {
  readonly model: string;
  readonly network: string;
  readonly repeat: number;
  readonly warmUp: number;
  readonly results: string;
  readonly json?: boolean;
}

/** `npm run bench -- breakdown`. */
export function breakdownCommand(note: (text: string) => void): Command {
  return new Command('breakdown')
    .description('one preparation and one inference, step by step, of both parties')
    .option('-m, --model <model>', 'as for online', 'sphynx-c100-25k')
    .option('--network <name>', 'as for online', 'loopback')
    .option('-n, --repeat <count>', 'recorded runs', wholeNumber, 15)
    .option('--warm-up <count>', 'unrecorded runs before', wholeNumber, 3)
    .option('--results <file>', 'where the results are written', 'results/breakdown.json')
    .option('--json', 'print the results on stdout')
    .action(async ({ model, repeat, warmUp, results: file, json, ...options }: Options) => {
      const cores = pinnedCores();
      const network = networkProfile(options.network);
      const entries = await recordBreakdown(model, { repeat, warmUp, network, cores, note });
      const method = [
        `Server and client are processes of their own on the same machine; ${describeCores(cores)}.`,
        `Medians of ${repeat} runs after ${warmUp} that are not recorded; the picture shows the run of median length.`,
        'A step is work of one thread without a pause; waiting is what is left of the run: messages, disk, and work between the steps.',
      ];
      let results: Results<BreakdownEntry> = existsSync(file)
        ? { ...readResults<BreakdownEntry>(file, 'breakdown'), method }
        : emptyResults('breakdown', method);
      for (const entry of entries) results = withEntry(results, entry);
      writeResults(file, results);
      process.stdout.write(`${json ? JSON.stringify(results) : entries.map(describeBreakdown).join('\n')}\n`);
    });
}
