/** `npm run plan`: chooses the fixed-point scales of a model folder and measures what they cost. */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setImmediate } from 'node:timers/promises';
import { Command } from 'commander';
import { SphynxError } from '../errors/sphynx-error.ts';
import { inputScales } from '../model/fixed-point/input-scales.ts';
import { type FixedPointPlan, planFixedPoint } from '../model/fixed-point/planner.ts';
import { quantizeNetwork } from '../model/fixed-point/quantize.ts';
import { type LayerRanges, measureRanges, rangeUse } from '../model/fixed-point/ranges.ts';
import type { FloatNetwork } from '../model/float-network.ts';
import { FloatRuntime } from '../model/float-runtime.ts';
import { importGraph } from '../model/import/import-onnx.ts';
import { FIXED_POINT_FILE, loadFloat } from '../model/load.ts';
import type { FixedNetwork } from '../model/network.ts';
import { type Context, runCommand, USAGE } from './command.ts';
import type { OutputOptions } from './output.ts';
import { type Accuracy, compare, floatClasses } from './plan/accuracy.ts';
import { firstImages, imagesFrom, readCifar } from './plan/cifar.ts';
import { PLANNING } from './plan/planning.ts';
import { planTable } from './plan/table.ts';

/** Training images from which ranges are measured. */
const CALIBRATION_IMAGES = 10_000;

/**
 * The training images after those, on which every k is tried first. On 1000 the random carries alone moved the share
 * of equal classes by 0.7 points.
 */
const CHOICE_IMAGES = 5000;

/** The smallest k is taken that loses no more accuracy than this (percentage points), on those and on the test images. */
const LARGEST_LOSS = 0.3;

/** Channels, rows and columns of CIFAR's pictures. */
const CIFAR_SIZE = '3x32x32';

const RING_BITS = [9, 10, 11, 12, 13, 14, 15, 16];

interface PlanOptions extends OutputOptions {
  readonly data: string;
  readonly images?: string;
  readonly ringBits?: string;
}

async function plan({ output, signal }: Context, folder: string, options: PlanOptions): Promise<boolean> {
  const { network, facts, onnx } = await loadFloat(folder);
  const { channels, height, width } = network.input;
  if (
    facts.inputKind !== 'picture' ||
    facts.head !== 'softmax' ||
    `${channels}x${height}x${width}` !== CIFAR_SIZE
  )
    throw new SphynxError(
      'config/invalid',
      `${folder}: planning measures classes of CIFAR's pictures of ${CIFAR_SIZE}, which this model does not give; \`sphynx import\` chooses the scales of other models`,
    );
  const { runtime: model } = await importGraph(onnx);
  const runtime = await FloatRuntime.create(model.encode(), model.dims, model.order);
  const train = await readCifar(options.data, 'train', facts);
  output.note(`measuring ranges on ${CALIBRATION_IMAGES} training images`);
  const ranges = measureRanges(network, firstImages(train, CALIBRATION_IMAGES));
  const choice = imagesFrom(train, CALIBRATION_IMAGES);
  const choiceClasses = await floatClasses(runtime, choice, CHOICE_IMAGES);
  const tick = progress(output, signal);
  for (const ringBits of options.ringBits === undefined ? RING_BITS : [Number(options.ringBits)]) {
    const candidate = planned(network, ranges, ringBits);
    const fixed = quantizeNetwork(network, candidate, facts);
    const chosenOn = await compare(fixed, choice, choiceClasses, tick(`k = ${ringBits}, training images`));
    output.note(`k = ${ringBits}: ${describe(chosenOn)} on ${chosenOn.images} training images`);
    if (losesTooMuch(chosenOn)) continue;

    const test = await readCifar(options.data, 'test', facts);
    const count = Math.min(Number(options.images ?? test.count), test.count);
    output.note(`measuring on ${count} test images`);
    const testClasses = await floatClasses(runtime, test, count);
    const accuracy = await compare(fixed, test, testClasses, tick(`k = ${ringBits}, test images`));
    if (losesTooMuch(accuracy) && options.ringBits === undefined) {
      output.note(`k = ${ringBits}: ${describe(accuracy)} on ${count} test images`);
      continue;
    }
    const rangeUsed = rangeUse(candidate, measureRanges(network, firstImages(test, count)));
    const measured = { ...accuracy, rangeUsedPercent: Math.ceil(rangeUsed * 100) };
    await writePlan(folder, candidate, measured);
    report(output, fixed, candidate, measured);
    return true;
  }
  throw new SphynxError(
    'model/unsupported',
    `no k that was tried keeps the loss within ${LARGEST_LOSS} points`,
  );
}

function losesTooMuch({ float, fixed }: Accuracy): boolean {
  return float - fixed > LARGEST_LOSS;
}

function planned(network: FloatNetwork, ranges: readonly LayerRanges[], ringBits: number): FixedPointPlan {
  return planFixedPoint(network, ranges, {
    ...PLANNING,
    ringBits,
    calibrationImages: CALIBRATION_IMAGES,
    calibration: 'inputs',
    // Pixels bound a picture, whatever was measured.
    input: inputScales('picture', new Float64Array(network.input.channels), ringBits),
  });
}

/** The test images: float against fixed point, and how much of the k bits the largest value took (over 100: it wrapped). */
interface Measured extends Accuracy {
  readonly rangeUsedPercent: number;
}

async function writePlan(folder: string, chosen: FixedPointPlan, accuracy: Measured): Promise<void> {
  const path = join(folder, FIXED_POINT_FILE);
  await writeFile(path, `${JSON.stringify({ ...chosen, accuracy }, null, 1)}\n`).catch((cause) => {
    throw new SphynxError('storage/failed', `cannot write ${path}`, { cause });
  });
}

function report(
  output: Context['output'],
  fixed: FixedNetwork,
  chosen: FixedPointPlan,
  accuracy: Measured,
): void {
  const range = `the largest value used ${accuracy.rangeUsedPercent}% of its range`;
  const summary = `on ${accuracy.images} test images: ${describe(accuracy)}; ${range}`;
  output.result({ plan: chosen, accuracy }, `${planTable(fixed.card, chosen)}\n\n${summary}`);
}

function describe({ float, fixed, agreement }: Accuracy): string {
  return `float ${float}%, fixed point ${fixed}%, same class ${agreement}%`;
}

/** A callback per image that keeps Ctrl-C working and now and then says how far it is. */
function progress(output: Context['output'], signal: AbortSignal) {
  return (what: string) => async (done: number) => {
    if (done % 100 === 0) await setImmediate();
    if (done % 2000 === 0) output.note(`${what}: ${done}`);
    if (signal.aborted) throw new SphynxError('aborted', 'planning was interrupted');
  };
}

const command = new Command('plan')
  .description(
    'choose the fixed-point scales of a model folder, print them with the accuracy they cost, write them there',
  )
  .argument('<folder>', 'a folder with model.onnx and manifest.json')
  .requiredOption('-d, --data <folder>', "CIFAR-100's train.bin and test.bin")
  .option('-k, --ring-bits <k>', 'try this k only (default: the smallest that is good enough)')
  .option('-n, --images <count>', 'test images to measure on (default: all)')
  .option('--json', 'print one JSON object on stdout and nothing else there')
  .option('--verbose', 'print stack traces with failures')
  .exitOverride(({ exitCode }) => process.exit(exitCode === 0 ? 0 : USAGE))
  .action((folder: string, options: PlanOptions) =>
    runCommand(options, (context) => plan(context, folder, options)),
  );
await command.parseAsync();
