import { join } from 'node:path';
import { Command } from 'commander';
import { networkProfile } from '../../transport/network-profiles.ts';
import { wholeNumber } from '../arguments.ts';
import { pinnedCores } from '../cores.ts';
import { ZOO } from '../model.ts';
import { paperRows } from './columns.ts';
import { LiveTable } from './live-table.ts';
import { ROWS, rowsNamed } from './rows.ts';
import { runPaper } from './suite.ts';
import { zooAccuracies } from './zoo-accuracy.ts';

interface Options {
  readonly quick?: boolean;
  readonly rows?: string[];
  readonly network: string;
  readonly repeat?: number;
  readonly out: string;
  readonly pin: boolean;
}

/** The suite with --quick: the smallest networks of two families, twice. */
const QUICK = { rows: ['sphynx-paper:5,5,0+1', 'hrn:8,5,5,3'], repeat: 2 };

/** Commas that are not those of one RTT-MS,UP-MBIT,DOWN-MBIT. */
const BETWEEN_NETWORKS = /,(?=[a-z])|(?<=[a-z]),/;

/** `npm run bench -- paper`. */
export function paperCommand(): Command {
  return new Command('paper')
    .description("the networks of the papers' tables, beside the papers' figures")
    .option('--quick', 'two small networks, two timed runs')
    .option('--rows <words...>', 'models, or beginnings of the model, method or data set of rows')
    .option('--network <names>', 'as for online; several with commas between them', 'loopback')
    .option('-n, --repeat <count>', 'timed runs (default: 10, fewer for large networks)', wholeNumber)
    .option('--out <folder>', 'folder of paper.json, whose rows are not measured again', 'results')
    .option('--no-pin', 'let the system choose the cores of both processes')
    .action(async ({ quick, rows, network, repeat, out, pin }: Options) => {
      const named = rows ?? (quick ? QUICK.rows : undefined);
      const zoo = zooAccuracies(ZOO);
      const table = new LiveTable();
      let failures = 0;
      await runPaper({
        rows: named ? rowsNamed(named) : ROWS,
        networks: network.split(BETWEEN_NETWORKS).map(networkProfile),
        repeat: repeat ?? (quick ? QUICK.repeat : undefined),
        cores: pin ? pinnedCores() : null,
        file: join(out, 'paper.json'),
        note: (text) => table.note(text),
        done: (row, entry) => {
          for (const line of paperRows([entry], zoo).filter(({ published }) => published === row))
            table.add(line);
        },
        failed: (row, over, error) => {
          failures++;
          table.add(`${row.model} over ${over}: ${(error as Error)?.message ?? error}`);
        },
      });
      table.end();
      if (failures > 0) process.exitCode = 1;
    });
}
