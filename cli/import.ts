import { resolve } from 'node:path';
import { answerInWords, inputInWords } from '../client/input-words.ts';
import { SphynxError } from '../errors/sphynx-error.ts';
import { FloatRunner } from '../model/float-network.ts';
import { largestLayer } from '../model/lost-digits.ts';
import { makePlan } from '../protocol/plan.ts';
import type { Context } from './command.ts';
import { matchClasses } from './datasets/matching-classes.ts';
import type { Calibration } from './import/calibration.ts';
import { chooseBits, dependsOnBits, shortfall } from './import/choose-bits.ts';
import { costsOf } from './import/costs.ts';
import { Judge } from './import/judge.ts';
import { layerLosses } from './import/layer-losses.ts';
import { machineRates } from './import/machine-rates.ts';
import { measureInputs, parted } from './import/measured-inputs.ts';
import { openModel, type SourceOptions } from './import/model-source.ts';
import { checkInputs, type InputOptions, openPictures, readInputs } from './import/read-inputs.ts';
import { runReference } from './import/reference.ts';
import { describeImport, layerReports } from './import/report.ts';
import {
  warnOfAccuracy,
  warnOfAnswers,
  warnOfCalibration,
  warnOfModel,
  warnOfOutliers,
} from './import/warnings.ts';
import { checkFree, writeModel, writePlan } from './import/write-model.ts';
import { StepReport } from './step-report.ts';

export interface ImportOptions extends SourceOptions, InputOptions {
  readonly out?: string;
  readonly ringBits?: number;
}

/** Inputs on which each layer is compared separately. */
const LOSS_INPUTS = 3;

/**
 * `sphynx import`: reads an ONNX file or a trainer's folder, chooses its fixed point on inputs, reports the resulting
 * layers, accuracy and costs, and writes a folder to serve.
 */
export async function importModel(
  { output, signal }: Context,
  path: string,
  options: ImportOptions,
): Promise<boolean> {
  checkInputs(options);
  const model = await openModel(path, options);
  const inPlace = options.out !== undefined && model.folder === resolve(options.out);
  if (options.out !== undefined && !inPlace) checkFree(options.out);
  const { network, origins, nodes, head, notes, inputKind, runtime } = model.graph;
  const pictures = await openPictures(inputKind, options);
  const facts = await model.facts(pictures?.classes ?? null);
  const warnings: string[] = [];
  const warn = (found: readonly string[]) => {
    for (const warning of found) output.note(`warning: ${warning}`);
    warnings.push(...found);
  };
  const stopIf = () => {
    if (signal.aborted) throw new SphynxError('aborted', 'the import was interrupted');
  };
  warn(warnOfModel(model.graph, facts));
  const match = pictures && matchClasses(pictures, facts);
  warn(match?.warnings ?? []);
  const { calibration, test } = await readInputs(network, facts, pictures, options);
  const random = options.random === true;
  warn(warnOfCalibration(calibration, random));
  const runner = new FloatRunner(network);
  const steps = new StepReport((text) => output.note(text), stopIf);
  const run = (inputs: Calibration, name: string) => {
    const step = steps.begin(name, inputs.images.length);
    return measureInputs(network, runner, inputs, match?.numbers ?? null, step);
  };
  const [toMeasure, toCheck] = parted(calibration);
  const measured = await run(toMeasure, 'measuring ranges');
  const checked = toCheck === toMeasure ? measured : await run(toCheck, 'running the float network');
  const tested = test && (await run(test, 'running the float network'));
  warn(warnOfOutliers(measured));
  const { images: check, logits } = checked;
  warn(warnOfAnswers(facts, logits));
  const reference = await runReference(runtime, check, logits, largestLayer(network, measured.meter.ranges));
  const judge = new Judge(checked, tested, (text) => output.note(text), steps);
  const images = {
    check,
    logits,
    calibration: measured.images.length,
    source: random ? ('random' as const) : ('inputs' as const),
    largest: measured.meter.input,
  };
  const isEnough = judge.isEnough.bind(judge);
  const { ranges } = measured.meter;
  const { candidate, enough } = await chooseBits(network, ranges, facts, images, options.ringBits, isEnough);
  const { plan, network: fixed, agreement } = candidate;
  if (!enough) warn([shortfall(judge.demand(facts.head), dependsOnBits(network, facts), options.ringBits)]);
  const accuracy = await judge.accuracy(candidate);
  warn(warnOfAccuracy(accuracy, facts));
  output.note('measuring this machine');
  const costs = costsOf(makePlan(fixed.card), await machineRates(), agreement.ms);
  const losses = layerLosses(network, fixed, plan, check.slice(0, LOSS_INPUTS), runner);
  stopIf();
  const { source, skipped } = calibration;
  const imported = { onnx: model.onnx, facts, plan, network: fixed, source, agreement, accuracy };
  if (options.out !== undefined) await (inPlace ? writePlan : writeModel)(options.out, imported);
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
    accuracy,
    ...reference,
    calibration: { source, images: measured.images.length, random, skipped: skipped.count },
    folder: options.out ?? null,
  };
  output.result(report, describeImport(report));
  return true;
}
