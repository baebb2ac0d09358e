import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Command, CommanderError, InvalidArgumentError, Option } from 'commander';
import { HEADS } from '../model/head.ts';
import { INPUT_KINDS } from '../model/input-kind.ts';
import { RING_BITS } from '../model/limits.ts';
import { DIGIT_BITS } from '../protocol/label-encoding.ts';
import type { CertsOptions } from './certs.ts';
import type { ClassifyCommandOptions } from './classify.ts';
import { type Context, runCommand, USAGE } from './command.ts';
import { DATA_SETS } from './datasets/data-set.ts';
import type { EvaluateOptions } from './evaluate.ts';
import type { ImportOptions } from './import.ts';
import type { OutputOptions } from './output.ts';
import { PACKAGE_FOLDER } from './package-folder.ts';
import type { PredictOptions } from './predict.ts';
import type { ServeOptions } from './serve.ts';
import { DEFAULT_ADDRESS, DEFAULT_WEB_ADDRESS, withConnection } from './server-connection.ts';

/** Runs `sphynx` with these arguments and sets the exit code: 0 done, 1 failed, 2 wrong usage. */
export async function run(args: readonly string[]): Promise<void> {
  try {
    await program().parseAsync(args, { from: 'user' });
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    // Commander has printed its message; help and version exit with 0.
    process.exitCode = error.exitCode === 0 ? 0 : USAGE;
  }
}

function program(): Command {
  const { version, description } = JSON.parse(readFileSync(join(PACKAGE_FOLDER, 'package.json'), 'utf8'));
  const sphynx = new Command('sphynx')
    .description(description)
    .version(version)
    .exitOverride()
    .showSuggestionAfterError()
    .configureHelp({ showGlobalOptions: true })
    .option('--json', 'print one JSON object on stdout and nothing else there')
    .option('--verbose', 'print stack traces with failures');
  addServe(sphynx.command('serve').description('serve models to clients without seeing their images'));
  addCerts(
    sphynx.command('certs').description('make certificates for development: authority, server, client'),
  );
  addTokens(sphynx.command('tokens').description('make bearer tokens for clients'));
  addStoreKey(sphynx.command('store-key').description("make keys for the seeds in a server's records"));
  addConfig(sphynx.command('config').description("check a server's configuration"));
  withConnection(sphynx.command('models').description('list the models of a server')).action(
    action(async () => (await import('./models.ts')).models),
  );
  addImport(
    sphynx
      .command('import')
      .description(
        'import an ONNX file: choose its fixed point, report accuracy and costs, write a folder to serve',
      ),
  );
  addPredict(sphynx.command('predict').description('classify in the clear with a model folder'));
  addPrepare(
    sphynx.command('prepare').description('prepare bundles ahead of time: one for each image to classify'),
  );
  addBundles(
    sphynx.command('bundles').description('list or drop the bundles that are ready on this machine'),
  );
  addClassify(sphynx.command('classify').description('classify images without showing them to the server'));
  addEvaluate(
    sphynx
      .command('evaluate')
      .description("measure a served model's accuracy in private, on pictures whose classes are known"),
  );
  addDoctor(
    sphynx
      .command('doctor')
      .description('check this machine and the connection to the server, and suggest remedies'),
  );
  return sphynx;
}

function addServe(command: Command): void {
  command
    .option('-c, --config <file>', 'configuration file, YAML or JSON; command-line options take precedence')
    .option('-l, --listen <host:port>', `where to listen; port 0 takes any free one (${DEFAULT_ADDRESS})`)
    .option('-m, --model <folder...>', 'models to serve (default: the one that comes with sphynx)')
    .option('--state <folder>', 'where bundle records are kept; one server per folder')
    .option('--tls-cert <file>', "the server's certificate chain (PEM)")
    .option('--tls-key <file>', "the certificate's private key (PEM)")
    .option('--client-ca <file>', 'accept clients with a certificate of this authority (PEM)')
    .option('--tokens <file>', 'accept clients with a bearer token in this file')
    .option('--anonymous', 'accept callers without authentication')
    .option('--insecure', 'serve other machines without TLS')
    .addOption(
      new Option('--setting <name>', 'fewer bytes online (fast, the default) or offline (lean)').choices(
        Object.keys(DIGIT_BITS),
      ),
    )
    .option('--output <what>', 'what clients learn: logits (the default), label, or top-2 and up')
    .option('--bundles-per-client <count>', 'unspent bundles that one client may hold', wholeNumber)
    .option(
      '--grace <seconds>',
      'how long running inferences may take to finish when stopping (10)',
      wholeNumber,
    )
    .addOption(
      new Option('--log-level <level>', 'log level for stderr (info)').choices([
        ...['debug', 'info', 'warn', 'error', 'silent'],
      ]),
    )
    .option('--web [host:port]', `also serve a page for browsers (${DEFAULT_WEB_ADDRESS})`)
    .option('--set <field=value...>', 'any field of the configuration, such as limits.sessions=4')
    .action(action(async () => (await import('./serve.ts')).serve));
}

function addCerts(command: Command): void {
  command
    .argument('<folder>', 'where to write them; existing files are never replaced')
    .option('--host <name...>', 'names and IP addresses of the server', ['localhost', '127.0.0.1', '::1'])
    .option('--client <name...>', 'names of clients', ['client'])
    .option('--days <count>', 'how long they are valid', wholeNumber, 30)
    .action((folder: string, options: CertsOptions, self: Command) =>
      runCommand(self.optsWithGlobals<OutputOptions>(), async (context) =>
        (await import('./certs.ts')).certs(context, folder, options),
      ),
    );
}

function addTokens(command: Command): void {
  command
    .command('new <name>')
    .description("make a token and the line of the server's file that admits it")
    .action((name: string, _options: object, self: Command) =>
      runCommand(self.optsWithGlobals<OutputOptions>(), async (context) =>
        (await import('./tokens.ts')).newTokenCommand(context, name),
      ),
    );
}

function addStoreKey(command: Command): void {
  command
    .command('new <file>')
    .description('make a file with a new key that only you can read')
    .action((file: string, _options: object, self: Command) =>
      runCommand(self.optsWithGlobals<OutputOptions>(), async (context) =>
        (await import('./store-key.ts')).newStoreKey(context, file),
      ),
    );
}

function addConfig(command: Command): void {
  command
    .command('check <file>')
    .description('print the effective configuration, or every wrong field')
    .option('--set <field=value...>', 'any field, as for serve')
    .action((file: string, options: Pick<ServeOptions, 'set'>, self: Command) =>
      runCommand(self.optsWithGlobals<OutputOptions>(), async (context) =>
        (await import('./config.ts')).checkConfig(context, file, options),
      ),
    );
}

function addImport(command: Command): void {
  command
    .argument('<model>', "an ONNX file with a feed-forward network, or a trainer's folder with model.onnx")
    .option(
      '--images <folder>',
      'PNG, JPEG or WebP files, in a subfolder per class if they have classes, or a data set; .npy, CSV or JSON files of numbers',
    )
    .addOption(new Option('--dataset <layout>', 'layout of --images (default: detected)').choices(DATA_SETS))
    .option('--random', 'use random inputs, for estimating costs only')
    .option(
      '-n, --count <count>',
      'largest number of inputs to calibrate on (default: 150, fewer for large networks)',
      wholeNumber,
    )
    .option(
      '--test <count>',
      "largest number of a data set's test inputs to measure accuracy on (as --count)",
      wholeNumber,
    )
    .option('-o, --out <folder>', 'where to write the folder to serve')
    .option('--output <name>', 'the output that holds the logits, if the file has several')
    .option('--name <name>', "the model's name (default: the file's)")
    .option('--labels <file>', 'names of the classes, one per line (default: those of the data set)')
    .option(
      '--mean <numbers>',
      'mean per channel or number, or a file; for pixels from 0 to 1: 0.485,0.456,0.406',
    )
    .option('--std <numbers>', 'their standard deviation')
    .addOption(
      new Option('--input <kind>', 'kind of input, if the shape does not determine it').choices(INPUT_KINDS),
    )
    .addOption(
      new Option('--head <meaning>', 'meaning of the outputs, if the network does not determine it').choices(
        HEADS,
      ),
    )
    .option(
      '-k, --ring-bits <k>',
      'k, the bits of a ReLU (default: the smallest from 9 to 16 that is good enough)',
      ringBits,
    )
    .action((file: string, options: ImportOptions, self: Command) =>
      runCommand(self.optsWithGlobals<OutputOptions>(), async (context) =>
        (await import('./import.ts')).importModel(context, file, options),
      ),
    );
}

function addPredict(command: Command): void {
  command
    .argument('<input...>', 'PNG, JPEG or WebP files of any size; .npy, CSV or JSON files of numbers')
    .option('-m, --model <folder>', "the model's folder (default: the one that comes with sphynx)")
    .option('-k, --top <count>', 'classes to show (5), or labels or values (all)', wholeNumber)
    .action((files: string[], options: PredictOptions, self: Command) =>
      runCommand(self.optsWithGlobals<OutputOptions>(), async (context) =>
        (await import('./predict.ts')).predict(context, files, options),
      ),
    );
}

function addPrepare(command: Command): void {
  withConnection(command)
    .option('-m, --model <name>', "the model (default: the server's only one)")
    .option('-n, --count <count>', 'bundles to prepare', wholeNumber, 1)
    .action(action(async () => (await import('./prepare.ts')).prepare));
}

function addBundles(command: Command): void {
  command
    .option('-s, --server <host:port>', 'those for this server only (default: for all)')
    .option('--state <folder>', 'where the bundles are kept')
    .option('--drop <what>', 'bundles to delete: expired, all, or the first hex digits of ids (at least 4)')
    .option('--confirm', 'release the bundles that were set aside; only if no copy of this folder uses them')
    .action(action(async () => (await import('./bundles.ts')).bundles));
}

function addClassify(command: Command): void {
  withConnection(command)
    .argument('<input...>', 'PNG, JPEG or WebP files of any size; .npy, CSV or JSON files of numbers')
    .option('-m, --model <name>', "the model (default: the server's only one)")
    .option('-k, --top <count>', 'classes to show (5), or labels or values (all)', wholeNumber)
    .option('--no-prepare', 'use only bundles that are ready')
    .action((images: string[], options: ClassifyCommandOptions, command: Command) =>
      runCommand(command.optsWithGlobals<OutputOptions>(), async (context) =>
        (await import('./classify.ts')).classify(context, images, options),
      ),
    );
}

function addEvaluate(command: Command): void {
  withConnection(command)
    .argument('<photos>', 'pictures in a subfolder per class, or a data set with its test part')
    .option('-m, --model <name>', "the model (default: the server's only one)")
    .addOption(
      new Option('--dataset <layout>', 'layout of the pictures (default: detected)').choices(DATA_SETS),
    )
    .option('-n, --count <count>', 'largest number of pictures', wholeNumber, 100)
    .option('--against <folder>', "the model's folder: compare with its answers in the clear")
    .option('--record', 'write the result into the folder of --against')
    .action((photos: string, options: EvaluateOptions, self: Command) =>
      runCommand(self.optsWithGlobals<OutputOptions>(), async (context) =>
        (await import('./evaluate.ts')).evaluate(context, photos, options),
      ),
    );
}

function addDoctor(command: Command): void {
  withConnection(command)
    .option('--model-hash <hex>', 'beginning of the hash that one of the models must have')
    .action(action(async () => (await import('./doctor.ts')).doctor));
}

/** Returns a Commander action for a command without arguments. Its code is loaded only when it runs. */
function action<Options>(
  load: () => Promise<(context: Context, options: Options) => Promise<boolean | undefined>>,
): (options: Options, command: Command) => Promise<void> {
  return (options, self) =>
    runCommand(self.optsWithGlobals<OutputOptions>(), async (context) => (await load())(context, options));
}

/** k of 3 and more: with less no bit is left beside the sign and the rounding. */
function ringBits(text: string): number {
  const bits = /^\d{1,2}$/.test(text) ? Number(text) : 0;
  if (bits < 3 || bits > RING_BITS.max)
    throw new InvalidArgumentError(`expected a whole number from 3 to ${RING_BITS.max}`);
  return bits;
}

function wholeNumber(text: string): number {
  if (!/^[1-9]\d{0,8}$/.test(text)) throw new InvalidArgumentError('expected a whole number of at least 1');
  return Number(text);
}
