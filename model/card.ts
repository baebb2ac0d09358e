import { SphynxError } from '../errors/sphynx-error.ts';
import { areDisjoint, isBitmap } from './element-bitmap.ts';
import { Fields } from './fields.ts';
import {
  countMacs,
  countRelus,
  countWeights,
  elementsOf,
  groupsFit,
  outputFits,
  tensorShapes,
} from './geometry.ts';
import { HEADS, headFits, labelCount, type OutputHead } from './head.ts';
import { fitsPicture, INPUT_KINDS, type InputKind } from './input-kind.ts';
import * as limits from './limits.ts';
import { classesOf, isOutput, type Output } from './output.ts';
import type { CardLayer, GadgetParameters, Shape, Squares, TermShape } from './shape.ts';

/**
 * How an input becomes tensor 0: (value - mean) / std, times 2^scaleBits, rounded, where each channel has its own mean,
 * std and scaleBits. The values of a picture are its pixels, from 0 to 1; a vector has a channel per number.
 */
export interface Preprocessing {
  /** Columns of the input (pixels of a picture). */
  readonly width: number;
  /** Rows of the input (pixels of a picture). */
  readonly height: number;
  /** Mean of each channel, in units of the values. */
  readonly mean: readonly number[];
  /** Standard deviation of each channel, in the same units. */
  readonly std: readonly number[];
  /** Fractional bits of each channel. */
  readonly scaleBits: readonly number[];
  /** Largest magnitude of an element of tensor 0 that the scales allow; null if pixels bound it. */
  readonly limit: number | null;
}

/** Formats of a card that this version reads. */
export type CardFormat = 3 | 4;

/**
 * The inputs on which the fixed-point scales were measured; scales from random inputs are only for estimating costs.
 */
export type Calibration = 'inputs' | 'random';
export const CALIBRATIONS = ['inputs', 'random'] as const satisfies readonly Calibration[];

/** The public description of a model, sent to clients as JSON. It holds no weights. */
export interface ModelCard {
  /** 4 if a layer has squares, which programs that support only format 3 could not run. */
  readonly format: CardFormat;
  /** Name of the model for clients. */
  readonly name: string;
  /** SHA-256 (hex) over all other fields and the integer weights. */
  readonly hash: string;
  /** Kind of input. */
  readonly inputKind: InputKind;
  /** Size of an input. A vector has a channel per number, a signal of one dimension a height of 1. */
  readonly input: Shape;
  /** Preparation of an input by the client. */
  readonly preprocessing: Preprocessing;
  /** Inputs on which the scales were measured. */
  readonly calibration: Calibration;
  /** Meaning of the outputs. */
  readonly head: OutputHead;
  /** Names of the outputs: one per logit, but two for a 'sigmoid': the class of negative logits first. */
  readonly labels: readonly string[];
  /** Linear layers in the order in which they run; the last one gives the logits. */
  readonly layers: readonly CardLayer[];
  /** Logits are integers in units of 2^-logitScaleBits. */
  readonly logitScaleBits: number;
  /** Elements with a ReLU. */
  readonly relus: number;
  /** Products of one inference, in all layers. */
  readonly macs: number;
  /** What the client learns about the logits. */
  readonly output: Output;
}

const NAME = new RegExp(`^[A-Za-z0-9][A-Za-z0-9._-]{0,${limits.MAX_NAME - 1}}$`);
/** No control characters: names and labels reach terminals and logs. */
const PRINTABLE = new RegExp(`^[^\\p{C}\\p{Zl}\\p{Zp}]{1,${limits.MAX_LABEL}}$`, 'u');
const HASH = /^[0-9a-f]{64}$/;

/**
 * Parses the card in an untrusted JSON value: checks and bounds every field, drops unknown fields and puts the keys in
 * a fixed order (both parties hash it). Throws 'model/format' naming the first field that is wrong.
 */
export function parseModelCard(json: unknown): ModelCard {
  const fields = new Fields(json, 'card');
  const format = readFormat(fields);
  const input = readShape(fields.fields('input'));
  const inputKind = fields.oneOf('inputKind', ...INPUT_KINDS);
  const head = fields.oneOf('head', ...HEADS);
  const labels = fields.texts('labels', 1, limits.MAX_CHANNELS, PRINTABLE);
  const card: ModelCard = {
    format,
    name: fields.text('name', NAME),
    hash: fields.text('hash', HASH),
    inputKind,
    input,
    preprocessing: readPreprocessing(fields.fields('preprocessing'), input),
    calibration: fields.oneOf('calibration', ...CALIBRATIONS),
    head,
    labels,
    layers: fields.each('layers', 1, limits.MAX_LAYERS, readLayer),
    logitScaleBits: fields.integer('logitScaleBits', 0, limits.MAX_LOGIT_SCALE_BITS),
    relus: fields.integer('relus', 0, limits.MAX_ELEMENTS),
    macs: fields.integer('macs', 0, Number.MAX_SAFE_INTEGER),
    output: readOutput(fields, head, labels.length),
  };
  checkConsistency(card);
  return card;
}

/** Returns the format of a card with these layers. */
export function cardFormat(layers: readonly Pick<CardLayer, 'squares'>[]): CardFormat {
  return layers.some(({ squares }) => squares !== null) ? 4 : 3;
}

/** Cards are written by the program that serves a model, so another format indicates another version of it. */
function readFormat(fields: Fields): CardFormat {
  const format = fields.value('format');
  const remedy = 'client and server run different versions: update the older one';
  check(
    format === 3 || format === 4,
    `card.format: expected 3 or 4, got ${JSON.stringify(format)?.slice(0, 20)}; ${remedy}`,
  );
  return format as CardFormat;
}

function readShape(fields: Fields): Shape {
  return {
    channels: fields.integer('channels', 1, limits.MAX_CHANNELS),
    height: fields.integer('height', 1, limits.MAX_SIDE),
    width: fields.integer('width', 1, limits.MAX_SIDE),
  };
}

function readPreprocessing(fields: Fields, input: Shape): Preprocessing {
  return {
    width: fields.integer('width', input.width, input.width),
    height: fields.integer('height', input.height, input.height),
    mean: fields.numbers('mean', input.channels, -limits.MAX_PREPROCESSING, limits.MAX_PREPROCESSING),
    std: fields.numbers('std', input.channels, 1 / limits.MAX_PREPROCESSING, limits.MAX_PREPROCESSING),
    scaleBits: fields.integers(
      'scaleBits',
      input.channels,
      -limits.MAX_INPUT_SCALE_BITS,
      limits.MAX_INPUT_SCALE_BITS,
    ),
    limit: fields.value('limit') === null ? null : fields.integer('limit', 1, limits.MAX_INPUT),
  };
}

function readLayer(fields: Fields, index: number): CardLayer {
  const output = readShape(fields.fields('output'));
  const layer = {
    name: fields.text('name', PRINTABLE),
    output,
    terms: fields.each('terms', 1, limits.MAX_TERMS, (term) => readTerm(term, index)),
    gadget: fields.value('gadget') === null ? null : readGadget(fields.fields('gadget')),
    linear: readLinear(fields, elementsOf(output)),
    squares: readSquares(fields, elementsOf(output)),
  };
  return layer;
}

function readTerm(fields: Fields, layer: number): TermShape {
  const pool = fields.oneOf('pool', 'none', 'sum');
  const spatial = pool === 'none';
  return {
    tensor: fields.integer('tensor', 0, layer),
    pool,
    kernelHeight: fields.integer('kernelHeight', 1, spatial ? limits.MAX_KERNEL : 1),
    kernelWidth: fields.integer('kernelWidth', 1, spatial ? limits.MAX_KERNEL : 1),
    strideY: fields.integer('strideY', 1, spatial ? limits.MAX_STRIDE : 1),
    strideX: fields.integer('strideX', 1, spatial ? limits.MAX_STRIDE : 1),
    padTop: fields.integer('padTop', 0, spatial ? limits.MAX_KERNEL : 0),
    padLeft: fields.integer('padLeft', 0, spatial ? limits.MAX_KERNEL : 0),
    groups: fields.integer('groups', 1, limits.MAX_CHANNELS),
  };
}

function readGadget(fields: Fields): GadgetParameters {
  const ringBits = fields.integer('ringBits', limits.RING_BITS.min, limits.RING_BITS.max);
  return {
    ringBits,
    dropBits: fields.integer('dropBits', limits.MIN_DROP_BITS, limits.MAX_PRODUCT_BITS - ringBits),
  };
}

/** Cards of models without linear elements may leave the field out. */
function readLinear(fields: Fields, elements: number): string | null {
  const value = fields.value('linear') ?? null;
  if (value === null) return null;
  const sound = typeof value === 'string' && isBitmap(value, elements);
  check(sound, `${fields.where}.linear is neither null nor the bitmap of some of ${elements} elements`);
  return value as string;
}

/** Cards of models without squares may leave the field out. */
function readSquares(layer: Fields, elements: number): Squares | null {
  if ((layer.value('squares') ?? null) === null) return null;
  const fields = layer.fields('squares');
  const bitmap = fields.value('elements');
  const sound = typeof bitmap === 'string' && isBitmap(bitmap, elements);
  check(sound, `${fields.where}.elements is not the bitmap of some of ${elements} elements`);
  return {
    elements: bitmap as string,
    dropBits: fields.integer('dropBits', limits.MIN_DROP_BITS, limits.MAX_SQUARE_DROP_BITS),
    shiftBits: fields.integer('shiftBits', 0, limits.MAX_SHIFT_BITS),
  };
}

/** Cards of models that output logits may leave the field out. Other outputs require classes. */
function readOutput(fields: Fields, head: OutputHead, labels: number): Output {
  const value = fields.value('output') ?? 'logits';
  const sound = typeof value === 'string' && isOutput(value) && (classesOf(value) ?? 0) <= labels;
  check(sound, `${fields.where}.output is not logits, label or top-2 .. top-${labels}`);
  check(value === 'logits' || head === 'softmax', `${fields.where}.output is ${value} with the head ${head}`);
  return value as Output;
}

function checkConsistency(card: ModelCard): void {
  check(
    card.format === cardFormat(card.layers),
    `card.format is ${card.format} ${card.format === 4 ? 'without' : 'with'} squares`,
  );
  const last = card.layers.length - 1;
  const { channels, height, width } = card.layers[last].output;
  check(height === 1 && width === 1, 'card: the last layer does not give logits of size 1x1');
  check(headFits(card.head, channels), `card: the head ${card.head} for ${channels} logits`);
  check(
    card.labels.length === labelCount(card.head, channels),
    `card: ${card.labels.length} labels for ${channels} logits and the head ${card.head}`,
  );
  const { height: rows, width: columns } = card.input;
  if (card.inputKind === 'picture')
    check(fitsPicture(card.input.channels), `card: a picture of ${card.input.channels} channels`);
  if (card.inputKind === 'vector')
    check(rows * columns === 1, `card: a vector with a map of ${rows}x${columns}`);
  for (const [l, layer] of card.layers.entries()) {
    check(
      (layer.gadget === null) === (l === last),
      `card.layers[${l}]: a gadget after every layer but the last`,
    );
    check(layer.gadget !== null || layer.linear === null, `card.layers[${l}]: linear elements of the logits`);
    check(layer.gadget !== null || layer.squares === null, `card.layers[${l}]: squares of the logits`);
    check(
      !layer.linear || !layer.squares || areDisjoint(layer.linear, layer.squares.elements),
      `card.layers[${l}]: elements that are both linear and squares`,
    );
    for (const [t] of layer.terms.entries()) {
      check(
        groupsFit(card, l, t),
        `card.layers[${l}].terms[${t}]: its groups do not divide the channels that it reads and gives`,
      );
      check(
        outputFits(card, l, t),
        `card.layers[${l}].terms[${t}]: the output size is not that of the convolution`,
      );
    }
  }
  const elements = tensorShapes(card).reduce((sum, shape) => sum + elementsOf(shape), channels);
  check(elements <= limits.MAX_ELEMENTS, `card: ${elements} elements, more than ${limits.MAX_ELEMENTS}`);
  const weights = countWeights(card);
  check(weights <= limits.MAX_WEIGHTS, `card: ${weights} weights, more than ${limits.MAX_WEIGHTS}`);
  check(card.relus === countRelus(card), 'card.relus is not the number of ReLUs in the layers');
  check(card.macs === countMacs(card), 'card.macs is not the number of products in the layers');
}

function check(holds: boolean, otherwise: string): void {
  if (!holds) throw new SphynxError('model/format', otherwise);
}
