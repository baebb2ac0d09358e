import { existsSync } from 'node:fs';
import { Command } from 'commander';
import { networkProfile } from '../../transport/network-profiles.ts';
import { risingRates, wholeNumber } from '../arguments.ts';
import { describeCores, pinnedCores } from '../cores.ts';
import { emptyResults, type Results, readResults, writeResults } from '../results.ts';
import { describeLoad } from './describe.ts';
import type { LoadEntry } from './entry.ts';
import { type LoadOptions, studyLoad } from './study.ts';

const METHOD = [
  'Requests come as a Poisson process from a seeded generator and are answered one at a time, in their order.',
  "The client's pool prepares in the background, on the cores of its inferences. A rate begins with a rested pool; the requests that use up what it held before do not count.",
  'Latency is from the arrival of a request to its answer, percentiles by nearest rank.',
];

/** Studies the models one after another; their entries replace those of the same model and network in `file`. */
async function runLoad(
  models: readonly string[],
  file: string,
  options: LoadOptions,
): Promise<Results<LoadEntry>> {
  const cores = `Server and client are processes of their own on the same machine; ${describeCores(options.cores)}.`;
  const earlier = existsSync(file)
    ? readResults<LoadEntry>(file, 'load')
    : emptyResults<LoadEntry>('load', []);
  let results = { ...earlier, method: [cores, ...METHOD] };
  for (const model of models) {
    const entries = await studyLoad(model, options);
    const others = results.entries.filter(
      (entry) => entry.model !== model || entry.network !== options.network.name,
    );
    results = { ...results, entries: [...others, ...entries] };
    writeResults(file, results);
  }
  return results;
}

interface Options {
  readonly model: string[];
  readonly rates?: number[];
  readonly pool: number;
  readonly low?: number;
  readonly seconds: number;
  readonly network: string;
  readonly results: string;
  readonly json?: boolean;
}

/** `npm run bench -- load`. */
export function loadCommand(note: (text: string) => void): Command {
  return new Command('load')
    .description('latency of requests at random times, and the rate that a pool of bundles sustains')
    .option('-m, --model <models...>', 'as for online', ['sphynx-c100-25k'])
    .option('--rates <list>', "requests per second; by default 20 to 110 % of the machine's", risingRates)
    .option('--pool <count>', 'bundles that the client has room for', wholeNumber, 8)
    .option(
      '--low <count>',
      'refill below so many (default: half of them; every refill opens a session)',
      wholeNumber,
    )
    .option('--seconds <count>', 'how long requests arrive, at each rate', wholeNumber, 60)
    .option('--network <name>', 'as for online', 'loopback')
    .option('--results <file>', 'where the results are written', 'results/load.json')
    .option('--json', 'print the results on stdout')
    .action(
      async ({
        model,
        rates,
        pool,
        low = Math.ceil(pool / 2),
        seconds,
        network,
        results: file,
        json,
      }: Options) => {
        const options = {
          rates,
          pool,
          low,
          seconds,
          network: networkProfile(network),
          cores: pinnedCores(),
          note,
        };
        const results = await runLoad(model, file, options);
        process.stdout.write(`${json ? JSON.stringify(results) : describeLoad(results.entries)}\n`);
      },
    );
}
