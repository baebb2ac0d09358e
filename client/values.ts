import { SphynxError } from '../errors/sphynx-error.ts';
import type { ModelCard } from '../model/card.ts';
import { elementsOf } from '../model/geometry.ts';
import { inputInWords } from './input-words.ts';

/** The numbers that a vector or signal model takes; a signal's channel by channel. */
export type ValuesInput =
  | readonly number[]
  | Float32Array
  | Float64Array
  | Int8Array
  | Uint8Array
  | Int16Array
  | Uint16Array
  | Int32Array
  | Uint32Array;

/** The facts about a model that takes numbers. */
export interface ValuesReader extends Pick<ModelCard, 'name' | 'inputKind' | 'input'> {
  readonly preprocessing: Pick<ModelCard['preprocessing'], 'mean' | 'std'>;
}

/** Whether an argument is a list of numbers. */
export function isValues(input: unknown): input is ValuesInput {
  return Array.isArray(input) || (ArrayBuffer.isView(input) && !(input instanceof DataView) && !isBig(input));
}

function isBig(input: ArrayBufferView): boolean {
  return input instanceof BigInt64Array || input instanceof BigUint64Array;
}

/**
 * Normalises numbers as in the model's training, [channels * height * width]: (value - mean) / std of their channel.
 * Throws 'input/invalid' if there are too many or too few, or if one is not a finite number.
 */
export function normaliseValues(values: ValuesInput, model: ValuesReader): Float64Array {
  const { input, inputKind, name, preprocessing } = model;
  const expected = elementsOf(input);
  if (values.length !== expected)
    throw new SphynxError(
      'input/invalid',
      `the model ${name} takes ${inputInWords(inputKind, input)}: expected ${expected} numbers, got ${values.length}`,
    );
  const area = expected / input.channels;
  return Float64Array.from(values as ArrayLike<number>, (value, i) => {
    if (typeof value !== 'number' || !Number.isFinite(value))
      throw new SphynxError(
        'input/invalid',
        `number ${i + 1} of ${expected} is ${Number.isNaN(value) ? 'NaN' : 'not a finite number'}; replace or impute it as in training`,
      );
    const channel = Math.floor(i / area);
    return (value - preprocessing.mean[channel]) / preprocessing.std[channel];
  });
}

/**
 * Returns the integers of a vector or signal at the scales of the card. Throws 'input/invalid' as `normaliseValues`
 * does, and for a number outside the range of the fixed point. Messages name the position, not the number.
 */
export function quantizeValues(values: ValuesInput, card: ModelCard): Int32Array {
  const normalised = normaliseValues(values, card);
  const { mean, std, scaleBits, limit } = card.preprocessing;
  const area = normalised.length / card.input.channels;
  return Int32Array.from(normalised, (value, i) => {
    const channel = Math.floor(i / area);
    const integer = Math.round(value * 2 ** scaleBits[channel]);
    if (limit !== null && Math.abs(integer) > limit) {
      const most = (limit / 2 ** scaleBits[channel]) * std[channel];
      const [low, high] = [mean[channel] - most, mean[channel] + most].map((bound) => bound.toPrecision(3));
      throw new SphynxError(
        'input/invalid',
        `number ${i + 1} is outside the range of the fixed point of ${card.name}, which is ${low} to ${high} there: check its unit, or have the model imported with calibration inputs like it`,
      );
    }
    return integer;
  });
}
