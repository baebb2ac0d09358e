import { answerInWords, inputInWords } from '../../client/input-words.ts';
import type { ImportedGraph } from '../../importer/import-onnx.ts';
import type { ModelFacts } from '../../model/fixed-point/quantize.ts';
import { fitsPicture } from '../../model/input-kind.ts';
import { counted } from '../units.ts';
import { giveOrTake } from './accuracy.ts';
import { isOneAnswer } from './answers.ts';
import type { Calibration } from './calibration.ts';
import type { MeasuredAccuracy } from './judge.ts';
import type { MeasuredInputs } from './measured-inputs.ts';

/** Warnings of an import about likely mistakes. Each is one sentence with a remedy. */

/** Fewer inputs than this seldom show how large values can become. */
const FEW_INPUTS = 30;

/** The largest value of a byte, by which pixels are divided. */
const BYTE = 255;

/** Warns about the network's inputs and outputs, before calibration. */
export function warnOfModel({ network, bytes, head }: ImportedGraph, facts: ModelFacts): string[] {
  const { inputKind } = facts;
  const { channels, height, width } = network.input;
  const warnings: string[] = [];
  if (inputKind === 'signal' && height > 1 && !fitsPicture(channels))
    warnings.push(
      `no picture fits this network, because it takes ${channels} channels and pictures have 3 (colour) or 1 (grey): clients give it ${inputInWords(inputKind, network.input)} as a typed array or a .npy file`,
    );
  if (inputKind === 'picture' && Math.min(height, width) === 1)
    warnings.push(`a picture of ${width}x${height} is a line: use --input signal if it is not a picture`);
  if (!head.stated && facts.head === head.head)
    warnings.push(
      `the network does not say what its outputs mean; they are taken as ${answerInWords(facts.head, facts.labels.length)} (--head ${facts.head}); if that is wrong, choose softmax, sigmoid, multi-label or values by --head`,
    );
  const { mean, std } = facts.preprocessing;
  if (bytes && inputKind === 'picture' && (mean.some((own) => own !== 0) || std.some((own) => own > 0.01)))
    warnings.push(
      `the file takes bytes from 0 to 255, and the given --mean and --std produce other numbers: omit both, or give --mean 0 --std ${(1 / BYTE).toPrecision(6)}`,
    );
  return [...warnings, ...warnOfPixels(facts)];
}

/** Warns about means and deviations for pixels from 0 to 255 instead of 0 to 1. */
function warnOfPixels({ inputKind, preprocessing: { mean, std } }: ModelFacts): string[] {
  const large = (numbers: readonly number[]) => numbers.some((number) => Math.abs(number) > 1);
  if (inputKind !== 'picture' || (!large(mean) && !large(std))) return [];
  const scaled = (numbers: readonly number[]) =>
    numbers.map((number) => Number((number / BYTE).toPrecision(3))).join(',');
  const unscaled = std.every((number) => number === 1);
  const likely = [
    large(mean) ? `--mean ${scaled(mean)}` : null,
    // Networks that only subtract a mean read pixels from 0 to 255.
    large(std) || unscaled ? `--std ${scaled(std)}` : null,
  ];
  return [
    `${large(mean) ? '--mean' : '--std'} is above 1, but pixels go from 0 to 1 here: if it refers to pixels from 0 to 255, the likely values are ${likely.filter(Boolean).join(' ')}`,
  ];
}

/** Warns about the inputs for calibration. */
export function warnOfCalibration({ images, skipped }: Calibration, random: boolean): string[] {
  const warnings: string[] = [];
  if (random)
    warnings.push(
      'random inputs are for estimating costs: with their scales answers may be wrong; the folder records this, and serve and doctor warn about it',
    );
  else if (images.length < FEW_INPUTS)
    warnings.push(
      `${counted(images.length, 'input')} are few to calibrate on: values larger than twice the largest of them give wrong answers; use ${FEW_INPUTS} or more, like those to classify`,
    );
  if (skipped.count > 0)
    warnings.push(
      `skipped ${counted(skipped.count, 'file')} that cannot be read; the first: ${skipped.first}`,
    );
  return warnings;
}

/** Warns about inputs for which a network with squares produces extreme outputs. */
export function warnOfOutliers({ images, meter }: MeasuredInputs): string[] {
  if (meter.apart === 0) return [];
  return [
    `${meter.apart} of ${counted(images.length, 'input')} to measure ranges on ${meter.apart === 1 ? 'gives' : 'give'} outputs far above all others, because quadratic activations have no bound: the scales leave no room for them, and such inputs get wrong answers; if they are common, train the network to keep its values small`,
  ];
}

/** Warns about the answers by which k is chosen. */
export function warnOfAnswers(facts: ModelFacts, outputs: readonly Float32Array[]): string[] {
  if (!isOneAnswer(facts.head, outputs)) return [];
  return [
    `the network gives all ${outputs.length} checked inputs the same answer, which says little about k: calibrate on inputs of several classes`,
  ];
}

/** Number of labelled inputs from which on accuracy can be distinguished from chance. */
const ENOUGH_FOR_CHANCE = 30;

/**
 * Warns about a float network that is right no more often than chance, which indicates other classes or other pixels.
 */
export function warnOfAccuracy(accuracy: MeasuredAccuracy | null, { labels }: ModelFacts): string[] {
  if (accuracy === null || accuracy.images < ENOUGH_FOR_CHANCE) return [];
  const chance = 100 / labels.length;
  if (accuracy.float > chance + giveOrTake(chance, accuracy.images)) return [];
  return [
    `the float network is right on ${accuracy.float}% of the inputs with labels, no more than chance: are the classes in the order of its training (--labels), and are --mean and --std those of its training?`,
  ];
}
