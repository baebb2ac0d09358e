/** `npm run demo`: a server process and this client process classify images, and every result is checked. */
import { globSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { Command } from 'commander';
import { type Classification, connect, type ModelCard } from '../client/index.ts';
import { inputInWords } from '../client/input-words.ts';
import { matchesPlaintext } from '../client/matches-plaintext.ts';
import { decodeImage } from '../client/node/decode-image.ts';
import { SphynxError } from '../errors/sphynx-error.ts';
import { loadModel } from '../importer/load.ts';
import { tuneHeap } from '../threads/node/heap.ts';
import { type Context, runCommand, USAGE } from './command.ts';
import { type DemoImage, demoImage, describeImage, describeView } from './demo/report.ts';
import { ServerProcess } from './demo/server-process.ts';
import { type OutputOptions, printable } from './output.ts';
import { DEFAULT_MODEL, PACKAGE_FOLDER } from './package-folder.ts';
import { PrepareReport } from './progress.ts';
import { counted } from './units.ts';
import { type NamedInput, readInputs } from './values/read-inputs.ts';

const TOP = 3;

const SAMPLES = globSync(join(PACKAGE_FOLDER, 'samples', '*.png')).sort();

async function demo(context: Context, paths: readonly string[], modelFolder: string): Promise<boolean> {
  const folder = await mkdtemp(join(tmpdir(), 'sphynx-demo-'));
  let server: ServerProcess | undefined;
  try {
    context.output.note(`starting a server process with ${basename(modelFolder)}`);
    server = await ServerProcess.start(modelFolder, join(folder, 'server'));
    return await classifyAll(context, server, paths, modelFolder, join(folder, 'client'));
  } finally {
    await server?.stop();
    await rm(folder, { recursive: true, force: true });
  }
}

async function classifyAll(
  { output, signal }: Context,
  server: ServerProcess,
  paths: readonly string[],
  modelFolder: string,
  stateFolder: string,
): Promise<boolean> {
  const client = await connect(server.address, { stateFolder, signal });
  try {
    const card = await client.modelCard(undefined, { signal });
    const inputs = await demoInputs(paths, card);
    if (inputs.length === 0)
      throw new SphynxError(
        'config/invalid',
        `${card.name} takes ${inputInWords(card.inputKind, card.input)}: name .npy, CSV or JSON files of them`,
      );
    output.note(
      `server: process ${server.pid} at ${server.address}; client: process ${process.pid}; ${card.name} takes ${inputInWords(card.inputKind, card.input)}; preparing ${counted(inputs.length, 'bundle')}`,
    );
    const report = new PrepareReport(output);
    await client
      .prepare({ count: inputs.length, onProgress: report.update, signal })
      .finally(() => report.stop());
    // The weights are read here only to compute the plaintext results, which the private results must equal.
    const network = await loadModel(modelFolder);
    const images: DemoImage[] = [];
    const results: Classification[] = [];
    for (const named of inputs) {
      if ('failure' in named) throw named.failure;
      const { name } = named;
      const input = typeof named.input === 'string' ? await decodeImage(named.input, card) : named.input;
      const result = await client.classify(input, {
        topK: card.head === 'softmax' ? TOP : undefined,
        signal,
      });
      const logits = Array.from(result.logits, (logit) => logit * 2 ** card.logitScaleBits);
      results.push(result);
      images.push(demoImage(basename(name), result, await matchesPlaintext(network, input, logits)));
      if (!output.json) process.stdout.write(`\n${printable(describeImage(images[images.length - 1]))}\n`);
    }
    const { name: model, relus } = card;
    output.result({ model, images, relus }, `\n${describeView(card, results)}`);
    return images.every((image) => image.matchesPlaintext);
  } finally {
    await client.close();
  }
}

/** Pictures are read when they are classified; files of numbers are read now to count their inputs. */
async function demoInputs(paths: readonly string[], card: ModelCard): Promise<NamedInput[]> {
  if (card.inputKind !== 'picture') return readInputs(paths, card);
  return (paths.length > 0 ? paths : SAMPLES).map((path) => ({ name: path, input: path }));
}

const command = new Command('demo')
  .description('classify images privately with a separate server process, and check every result')
  .argument(
    '[images...]',
    'PNG, JPEG or WebP files (default: the drawings in samples/); .npy, CSV or JSON files of numbers',
  )
  .option('-m, --model <folder>', 'the model', DEFAULT_MODEL)
  .option('--json', 'print one JSON object on stdout and nothing else there')
  .option('--verbose', 'print stack traces with failures')
  .exitOverride(({ exitCode }) => process.exit(exitCode === 0 ? 0 : USAGE))
  .action((images: string[], options: OutputOptions & { model: string }) => {
    return runCommand(options, (context) => demo(context, images, options.model));
  });
tuneHeap();
await command.parseAsync();
