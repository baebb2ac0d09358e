import { totalmem } from 'node:os';
import { SphynxError } from '../errors/sphynx-error.ts';
import type { FloatLayer } from '../model/float-network.ts';
import { MAX_KERNEL, MAX_NAME, MAX_TERMS, MAX_WEIGHTS } from '../model/limits.ts';
import type { Shape, TermShape } from '../model/shape.ts';
import { type AffineTerm, denseKernel, weightsOf } from './affine.ts';
import { perChannelBias } from './bias.ts';
import { groupedWeights, groupsOf } from './channel-groups.ts';
import { cutKernel, embedKernel, makeKernel, zeroBorder } from './dense-kernel.ts';
import type { PendingLayer } from './pending-layer.ts';

/**
 * Finishes the layers: trims kernels and adjusts padding as the model card requires. They are removed from the list one
 * by one, so that their parts can be freed. Throws 'model/unsupported' if the last one gives no logits.
 */
export function finishLayers(layers: PendingLayer[], input: Shape): FloatLayer[] {
  const { shape } = layers[layers.length - 1].value;
  if (shape.height !== 1 || shape.width !== 1)
    throw new SphynxError(
      'model/unsupported',
      `the output is a map of ${shape.height}x${shape.width}, not logits`,
    );
  const many = layers.reduce((sum, { value }) => sum + weightsOf(value), 0) > MANY_WEIGHTS;
  const limit = Math.min(MAX_MEMORY_BYTES, MEMORY_SHARE * totalmem());
  const finished: FloatLayer[] = [];
  let kept = 0;
  for (let layer = layers.shift(); layer; layer = layers.shift()) {
    const needed = kept * BYTES_PER_KEPT + weightsOf(layer.value) * BYTES_PER_COMPOSED;
    if (needed > limit || kept > MAX_WEIGHTS)
      throw new SphynxError(
        'model/unsupported',
        `layer ${layer.name} and those before it take ${gigabytes(needed)} GB of memory, more than ${gigabytes(limit)}, while they are composed: use fewer channels or smaller kernels, or put a Relu or a pool between convolutions`,
      );
    const own = finishLayer(layer, input, many);
    kept += own.kernels.reduce((sum, { length }) => sum + length, 0);
    finished.push(own);
  }
  return finished;
}

/** Number of weights of all layers from which on they are kept in single precision. */
const MANY_WEIGHTS = 2 ** 24;

/** Memory that an import may use for weights, absolute and as a share of the machine's. */
const MAX_MEMORY_BYTES = 2 ** 32;
const MEMORY_SHARE = 0.75;
/** A weight of a finished layer: double and single precision, and the integer. */
const BYTES_PER_KEPT = 16;
/** A weight while its layer is composed, zeros included: its kernel, and those of the operators that it is composed of. */
const BYTES_PER_COMPOSED = 24;

function gigabytes(bytes: number): string {
  return (bytes / 2 ** 30).toFixed(1);
}

function finishLayer({ name, value, linear, square }: PendingLayer, input: Shape, many: boolean): FloatLayer {
  const { shape, terms } = value;
  const nonzero = terms.filter((term) => zeroBorder(denseKernel(term)) !== null);
  // A layer that ignores all tensors must still read one.
  const read = nonzero.length > 0 ? nonzero : [terms[0] ?? nothing(input, shape)];
  if (read.length > MAX_TERMS)
    throw new SphynxError(
      'model/unsupported',
      `layer ${name} reads ${read.length} tensors, more than ${MAX_TERMS}`,
    );
  const finished = read.map((term) => finishTerm(term, shape));
  const bias = value.bias.values;
  if (![bias, ...finished.map(({ weights }) => weights)].every((weights) => weights.every(Number.isFinite)))
    throw new SphynxError('model/unsupported', `layer ${name}: its composed weights are not finite`);
  return {
    name: printable(name),
    output: shape,
    terms: finished.map(({ term }) => term),
    kernels: finished.map(({ weights }) => (many ? Float32Array.from(weights) : weights)),
    bias: perChannelBias(bias, shape.channels),
    linear,
    square,
  };
}

/** A term that reads the image and multiplies it by zero. */
function nothing(from: Shape, { channels }: Shape): AffineTerm {
  const kernel = makeKernel(channels, from.channels, 1, 1, () => {});
  return { tensor: 0, from, pool: 'none', kernel, strideY: 1, strideX: 1, padTop: 0, padLeft: 0 };
}

interface FinishedTerm {
  readonly term: TermShape;
  /** [out, in / groups, kernelHeight, kernelWidth]. */
  readonly weights: Float64Array;
}

const NO_BORDER = { top: 0, bottom: 0, left: 0, right: 0 };

function finishTerm(affine: AffineTerm, output: Shape): FinishedTerm {
  const dense = denseKernel(affine);
  const border = zeroBorder(dense) ?? NO_BORDER;
  const { from, pool, strideY, strideX } = affine;
  const [height, width] = pool === 'sum' ? [1, 1] : [from.height, from.width];
  const rows = fitAxis(
    dense.height,
    border.top,
    border.bottom,
    affine.padTop,
    strideY,
    height,
    output.height,
  );
  const columns = fitAxis(
    dense.width,
    border.left,
    border.right,
    affine.padLeft,
    strideX,
    width,
    output.width,
  );
  if (rows.size > MAX_KERNEL || columns.size > MAX_KERNEL)
    throw new SphynxError('model/unsupported', `a composed kernel of ${rows.size}x${columns.size}`);
  const cut = cutKernel(dense, rows.cut, columns.cut, rows.kept, columns.kept);
  const kernel = embedKernel(cut, rows.before, columns.before, rows.size, columns.size);
  const groups = groupsOf(kernel);
  const term = {
    tensor: affine.tensor,
    pool,
    kernelHeight: rows.size,
    kernelWidth: columns.size,
    strideY,
    strideX,
    padTop: rows.pad,
    padLeft: columns.pad,
    groups,
  };
  return { term, weights: groupedWeights(kernel, groups) };
}

interface Fit {
  /** Rows dropped before, and rows kept. */
  readonly cut: number;
  readonly kept: number;
  /** Zero rows put before, and the new size; what is missing follows after. */
  readonly before: number;
  readonly size: number;
  readonly pad: number;
}

/**
 * One axis of a kernel: zero rows at its ends are dropped, then as many are put back as it takes for the
 * padding to be at least 0 and every window to touch the map.
 */
function fitAxis(
  extent: number,
  zerosBefore: number,
  zerosAfter: number,
  padding: number,
  stride: number,
  map: number,
  out: number,
): Fit {
  const pad = padding - zerosBefore;
  const kept = extent - zerosBefore - zerosAfter;
  const before = Math.max(0, -pad, (out - 1) * stride - pad - map + 1);
  return {
    cut: zerosBefore,
    kept,
    before,
    size: Math.max(before + kept, pad + before + 1),
    pad: pad + before,
  };
}

/** A node's name as the card allows it. */
function printable(name: string): string {
  return name.replaceAll(/[^\x20-\x7e]/g, '?').slice(0, MAX_NAME) || 'layer';
}
