import { existsSync } from 'node:fs';
import { countWeights } from '../../model/geometry.ts';
import type { NetworkProfile } from '../../transport/network-profiles.ts';
import { describeCores, type PinnedCores } from '../cores.ts';
import { commitOf } from '../machine.ts';
import { measure } from '../measure.ts';
import { benchModel } from '../model.ts';
import { emptyResults, type Results, readResults, withEntry, writeResults } from '../results.ts';
import { type PaperEntry, paperEntry } from './entry.ts';
import { measurePlaintext } from './plaintext.ts';
import type { Row } from './rows.ts';

export interface SuiteOptions {
  readonly rows: readonly Row[];
  readonly networks: readonly NetworkProfile[];
  /** Timed runs of every row; by its size if not given. */
  readonly repeat?: number;
  readonly cores: PinnedCores | null;
  /** File of results; its entries of the same commit are not measured again. */
  readonly file: string;
  /** Called with progress messages for people. */
  readonly note: (text: string) => void;
  /** Called with every entry, measured or found in the file. */
  readonly done: (row: Row, entry: PaperEntry) => void;
  /** Called for a row that could not be measured. */
  readonly failed: (row: Row, network: string, error: unknown) => void;
}

/** Number of weights above which a plaintext runtime has no memory for both the network and its file. */
const MOST_PLAINTEXT_WEIGHTS = 2 ** 27;

/** Measures rows over networks and writes every entry to the file at once. */
export async function runPaper(options: SuiteOptions): Promise<Results<PaperEntry>> {
  const { rows, networks, file } = options;
  let results = existsSync(file)
    ? readResults<PaperEntry>(file, 'paper')
    : emptyResults<PaperEntry>('paper', methodOf(options.cores));
  const commit = commitOf();
  const total = rows.length * networks.length;
  let count = 0;
  for (const network of networks)
    for (const row of rows) {
      const place = `${++count} of ${total}, ${row.model} over ${network.name}`;
      const known = results.entries.find(
        (entry) => entry.name === row.model && entry.network === network.name && entry.commit === commit,
      );
      try {
        const entry = known ?? (await measureRow(row, network, place, options));
        results = withEntry(results, entry);
        writeResults(file, results);
        options.done(row, entry);
      } catch (error) {
        options.failed(row, network.name, error);
      }
    }
  return results;
}

async function measureRow(
  { model }: Row,
  network: NetworkProfile,
  place: string,
  options: SuiteOptions,
): Promise<PaperEntry> {
  const { cores } = options;
  const { card } = await benchModel(model);
  const { repeat, warmUp } = {
    ...customaryRuns(card.relus),
    ...(options.repeat && { repeat: options.repeat }),
  };
  const note = (text: string) => options.note(`${place}: ${text}`);
  const { measurement } = await measure(model, {
    ...{ repeat, warmUp, network, cores, note },
    ...{ offlineOnly: false, setting: 'fast', nodeArguments: [] },
  });
  if (network.name !== 'loopback' || countWeights(card) > MOST_PLAINTEXT_WEIGHTS)
    return paperEntry(measurement, warmUp);
  note('the same in plaintext');
  return paperEntry(measurement, warmUp, await measurePlaintext(model, repeat, cores?.server));
}

/**
 * Returns a number of runs that takes at most minutes. A large network's first inference runs each kernel often enough
 * for V8 to optimise it.
 */
function customaryRuns(relus: number): { repeat: number; warmUp: number } {
  if (relus < 250_000) return { repeat: 10, warmUp: 3 };
  return { repeat: relus < 750_000 ? 5 : 3, warmUp: 1 };
}

function methodOf(cores: PinnedCores | null): string[] {
  return [
    `Server and client are processes of their own on this machine, over gRPC; ${describeCores(cores)}.`,
    'Networks between them are emulated by a TCP proxy that delays and paces both directions; loopback is none.',
    'The weights are random. Bundles are prepared and spent in turns; online is an inference with its bundle prepared, offline the preparation of one bundle.',
    'The first result of every row is compared with the plaintext integer executor.',
    'Plaintext is the same collapsed network in single precision in onnxruntime-web (WebAssembly) on one thread.',
    'Figures are medians, with the smallest and the largest sample; untimed runs come first, as many as warmUp says (3 in plaintext).',
  ];
}
