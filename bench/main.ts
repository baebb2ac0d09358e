/** `npm run bench -- COMMAND`: measures the protocol on this machine. */
import { writeFileSync } from 'node:fs';
import { Command, Option } from 'commander';
import { DIGIT_BITS, type LabelEncoding } from '../protocol/label-encoding.ts';
import { networkProfile } from '../transport/network-profiles.ts';
import { wholeNumber } from './arguments.ts';
import { breakdownCommand } from './breakdown/command.ts';
import { compareCommand } from './compare.ts';
import { describeContention, measureContention } from './contention.ts';
import { describeMeasurement } from './describe-measurement.ts';
import { describeKernels, measureKernels } from './kernels/suite.ts';
import { loadCommand } from './load/command.ts';
import { describeMany, measureMany } from './many.ts';
import { measure } from './measure.ts';
import { checkNetworks } from './network/check.ts';
import { paperCommand } from './paper/command.ts';
import { reportCommand } from './report/command.ts';
import { note, runProgram } from './run-program.ts';
import { chromeTrace } from './trace.ts';

interface Options {
  readonly model: string;
  readonly setting: LabelEncoding;
  readonly network: string;
  readonly repeat: number;
  readonly warmUp: number;
  readonly trace?: string;
  readonly cpuProf?: string;
  readonly json?: boolean;
}

const program = new Command('bench').description('measures private inference on this machine');

for (const [name, description] of [
  [
    'online',
    'latency of inferences with prepared bundles, between a server and a client process on loopback',
  ],
  ['offline', 'time per prepared bundle, likewise'],
] as const)
  program
    .command(name)
    .description(description)
    .requiredOption(
      '-m, --model <model>',
      "a folder of model-zoo/, the path of another one (./NAME), or sphynx:C,D,L1+L2[@SIZE][~LINEAR] with random weights, LINEAR percent of its elements without a ReLU (sphynx-paper: for the paper's cells)",
    )
    .addOption(
      new Option('--setting <name>', 'fewer bytes online (fast) or offline (lean)')
        .choices(Object.keys(DIGIT_BITS))
        .default('fast'),
    )
    .option(
      '--network <name>',
      'loopback, lan, lan-3g, wan, wan-cheetah, mobile or RTT-MS,UP-MBIT,DOWN-MBIT',
      'loopback',
    )
    .option('-n, --repeat <count>', 'timed runs', wholeNumber, 10)
    .option('--warm-up <count>', 'untimed runs before', (text) => (text === '0' ? 0 : wholeNumber(text)), 2)
    .option('--trace <file>', "write both parties' steps as a Chrome trace (chrome://tracing, Perfetto)")
    .option('--cpu-prof <folder>', 'write CPU profiles of all threads')
    .option('--json', 'print one JSON object on stdout')
    .action((options: Options) => run(name === 'offline', options));

program
  .command('kernels')
  .description('every kernel and gadget on one core, checked and compared with plain TypeScript or SEAL')
  .option('--only <name>', 'only kernels whose names contain this')
  .option('--budget <ms>', 'length of a timed run', wholeNumber, 100)
  .option('--json', 'print one JSON object on stdout')
  .action(async ({ only, budget, json }: { only?: string; budget: number; json?: boolean }) => {
    const report = await measureKernels(budget, only);
    process.stdout.write(`${json ? JSON.stringify(report) : describeKernels(report)}\n`);
  });

program
  .command('contention')
  .description("one client's online latency while two others prepare bundles continuously")
  .option('-m, --model <model>', 'as for online', 'sphynx-c100-25k')
  .option('-n, --repeat <count>', 'timed inferences, alone and contended', wholeNumber, 15)
  .option('--json', 'print one JSON object on stdout')
  .action(async ({ model, repeat, json }: Options) => {
    const figures = await measureContention(model, repeat);
    process.stdout.write(`${json ? JSON.stringify(figures) : describeContention(figures)}\n`);
  });

program
  .command('many')
  .description('how long lists of 1, 4 and 16 inputs take, one by one and several at once')
  .option('-m, --model <model>', 'as for online', 'sphynx-c100-25k')
  .option('--network <profile>', 'as for online', 'wan')
  .option('-n, --repeat <count>', 'timed lists of each length', wholeNumber, 5)
  .option('--json', 'print one JSON object on stdout')
  .action(async ({ model, network, repeat, json }: Options) => {
    const figures = await measureMany(model, networkProfile(network), repeat);
    process.stdout.write(`${json ? JSON.stringify(figures) : describeMany(figures)}\n`);
  });

program.addCommand(loadCommand(note));
program.addCommand(breakdownCommand(note));
program.addCommand(paperCommand());
program.addCommand(compareCommand(note));
program.addCommand(reportCommand());

program
  .command('network')
  .description('check that the emulated networks match their profiles within 5 %')
  .argument('[profiles...]', 'networks to check (default: all)')
  .action(async (names: string[]) => {
    const profiles = names.map(networkProfile);
    if (!(await checkNetworks(profiles.length > 0 ? profiles : undefined))) process.exitCode = 1;
  });

await runProgram(program);

async function run(
  offlineOnly: boolean,
  { model, setting, repeat, warmUp, ...options }: Options,
): Promise<void> {
  const profile = options.cpuProf ? ['--cpu-prof', `--cpu-prof-dir=${options.cpuProf}`] : [];
  const network = networkProfile(options.network);
  const how = { network, setting, repeat, warmUp, offlineOnly, nodeArguments: profile, note };
  const { measurement, steps } = await measure(model, how);
  if (options.trace) writeFileSync(options.trace, JSON.stringify(chromeTrace(steps)));
  process.stdout.write(`${options.json ? JSON.stringify(measurement) : describeMeasurement(measurement)}\n`);
}
