import { setImmediate } from 'node:timers/promises';
import { answerInWords, inputInWords } from '../client/input-words.ts';
import { SphynxError } from '../errors/sphynx-error.ts';
import { RangeMeter } from '../model/fixed-point/ranges.ts';
import { type FloatNetwork, FloatRunner } from '../model/float-network.ts';
import { countMacs } from '../model/geometry.ts';
import { importGraph } from '../model/import/import-onnx.ts';
import { largestLayer } from '../model/lost-digits.ts';
import { makePlan } from '../protocol/plan.ts';
import type { Context } from './command.ts';
import { SAME } from './import/answers.ts';
import { type Calibration, randomCalibration, readCalibration } from './import/calibration.ts';
import { type Candidate, chooseBits, LEAST_AGREEMENT } from './import/choose-bits.ts';
import { costsOf } from './import/costs.ts';
import { type FactsOptions, factsOf } from './import/facts.ts';
import { layerLosses } from './import/layer-losses.ts';
import { machineRates } from './import/machine-rates.ts';
import { besideModel, readModelFile } from './import/model-file.ts';
import { runReference } from './import/reference.ts';
import { describeImport, layerReports } from './import/report.ts';
import { warnOfAnswers, warnOfCalibration, warnOfModel } from './import/warnings.ts';
import { checkFree, writeModel } from './import/write-model.ts';
import { counted } from './units.ts';

export interface ImportOptions extends FactsOptions {
  readonly calibration?: string;
  readonly random?: boolean;
  /** At most; as many as take about half a minute if it is left out. */
  readonly images?: number;
  readonly out?: string;
  /** Which output holds the logits, where the file has several. */
  readonly output?: string;
  readonly ringBits?: number;
}

/** Share of the images from which ranges are measured; the rest check the result. */
const CALIBRATION_SHARE = 2 / 3;

/** Fewer images than this serve for both. */
const FEW_IMAGES = 12;

/** Images that are taken where nothing else is said, and products of all of them: half a minute's. */
const MOST_IMAGES = 150;
const AFFORDABLE_MACS = 3e10;

function affordable(network: FloatNetwork): number {
  return Math.min(MOST_IMAGES, Math.max(FEW_IMAGES, Math.round(AFFORDABLE_MACS / countMacs(network))));
}

/** Images on which each layer is compared by itself. */
const LOSS_IMAGES = 3;

/**
 * `sphynx import`: reads an ONNX file, chooses its fixed point on images, says what became of it and what it costs,
 * and writes a folder that can be served.
 */
export async function importModel(
  { output, signal }: Context,
  file: string,
  options: ImportOptions,
): Promise<boolean> {
  if ((options.calibration === undefined) === (options.random !== true))
    throw new SphynxError(
      'config/invalid',
      'name --calibration DIR, or take --random inputs where you have none',
    );
  if (options.out !== undefined) checkFree(options.out);
  const onnx = await readModelFile(file);
  const graph = await importGraph(onnx, {
    output: options.output,
    inputKind: options.input,
    readExternal: besideModel(file),
  });
  const { network, origins, nodes, head, notes } = graph;
  const facts = await factsOf(file, graph, options);
  const warnings: string[] = [];
  const warn = (found: readonly string[]) => {
    for (const warning of found) output.note(`warning: ${warning}`);
    warnings.push(...found);
  };
  warn(warnOfModel(graph, facts));
  const most = options.images ?? affordable(network);
  const calibration =
    options.calibration === undefined
      ? randomCalibration(facts, network.input, most)
      : await readCalibration(options.calibration, facts, network.input, most);
  const random = options.random === true;
  warn(warnOfCalibration(calibration, random));
  const [measured, check] = parted(calibration);
  output.note(`measuring ranges on ${counted(measured.length, 'input')}`);
  const runner = new FloatRunner(network);
  const meter = await rangesOf(network, runner, measured, signal);
  const { ranges } = meter;
  const logits = check.map((image) => runner.run(image)[network.layers.length - 1]);
  warn(warnOfAnswers(facts, logits));
  const reference = await runReference(graph.runtime, check, logits, largestLayer(network, ranges));
  const onCandidate = async ({ agreement }: Candidate, k: number) => {
    output.note(
      `k = ${k}: ${SAME[facts.head]} on ${agreement.sameAnswer.toFixed(1)}% of ${counted(check.length, 'input')}`,
    );
    stopIf(signal);
  };
  const images = {
    check,
    logits,
    calibration: measured.length,
    source: random ? ('random' as const) : ('inputs' as const),
    largest: meter.input,
  };
  const chosen = await chooseBits(network, ranges, facts, images, options.ringBits, onCandidate);
  const { plan, network: fixed, agreement } = chosen;
  if (agreement.sameAnswer < LEAST_AGREEMENT)
    output.note(
      `no k gives the ${SAME[facts.head]} on ${LEAST_AGREEMENT}% of the inputs: look at the layer that loses most`,
    );
  output.note('measuring this machine');
  const costs = costsOf(makePlan(fixed.card), await machineRates(), agreement.ms);
  const losses = layerLosses(network, fixed, plan, check.slice(0, LOSS_IMAGES), runner);
  stopIf(signal);
  const { source } = calibration;
  if (options.out !== undefined)
    await writeModel(options.out, { onnx, facts, plan, network: fixed, source, agreement });
  const report = {
    name: facts.name,
    nodes,
    takes: inputInWords(facts.inputKind, network.input),
    answers: answerInWords(facts.head, facts.labels.length),
    inputKind: facts.inputKind,
    head: { ...head, head: facts.head },
    warnings,
    notes,
    layers: layerReports(fixed.card, plan, ranges, losses, origins),
    costs,
    agreement,
    ...reference,
    calibration: { source, images: measured.length, random, skipped: calibration.skipped.count },
    folder: options.out ?? null,
  };
  output.result(report, describeImport(report));
  return true;
}

/** The images to measure ranges on, and those to check on. */
function parted({ images }: Calibration): [readonly Float32Array[], readonly Float32Array[]] {
  if (images.length < FEW_IMAGES) return [images, images];
  const count = Math.round(CALIBRATION_SHARE * images.length);
  const isMeasured = (i: number) =>
    Math.floor(((i + 1) * count) / images.length) > Math.floor((i * count) / images.length);
  return [images.filter((_, i) => isMeasured(i)), images.filter((_, i) => !isMeasured(i))];
}

/** Ctrl-C works between two images. */
async function rangesOf(
  network: FloatNetwork,
  runner: FloatRunner,
  images: readonly Float32Array[],
  signal: AbortSignal,
): Promise<RangeMeter> {
  const meter = new RangeMeter(network, runner);
  for (const image of images) {
    meter.add(image);
    await setImmediate();
    stopIf(signal);
  }
  return meter;
}

function stopIf(signal: AbortSignal): void {
  if (signal.aborted) throw new SphynxError('aborted', 'the import was interrupted');
}
