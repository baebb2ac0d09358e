import type { LayerShape, Shape, TermShape } from './card.ts';
import { bitmapOf } from './element-bitmap.ts';
import { elementsOf, termWeights } from './geometry.ts';
import { fitsPicture } from './input-kind.ts';
import { classifierOf, itself, type Path, termOf, then } from './layer-paths.ts';
import { assembleNetwork, type CardDraft, type FixedNetwork, type LayerWeights } from './network.ts';
import { randomElements } from './random-elements.ts';

/** Networks with random weights, for tests and benchmarks: realistic in shape and range, but untrained. */

/** A repeatable source of numbers in [0, 1). Not for secrets. Mulberry32 (Tommy Ettinger, public domain). */
export function seededRandom(seed: number): () => number {
  let state = seed | 0;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

export interface SphynxShape {
  /** Channels C of the stem. */
  readonly C: number;
  /** Cells D. */
  readonly D: number;
  /** Cells that halve the map and quadruple the channels. */
  readonly reduceAt: readonly number[];
  /** Height and width of the image. For 224 and more the network begins with ImageNet's stem. */
  readonly size: number;
  readonly classes?: number;
  readonly seed?: number;
  /** Share of every layer's elements that are linear, 0 if not given. */
  readonly linear?: number;
  /** Share of every layer's elements that are squared, 0 if not given. */
  readonly square?: number;
  /** Form of the cells, slim if not given. */
  readonly form?: SphynxForm;
}

/** The cells of the authors' published code, or our variation with the same ReLUs (docs/models.md). */
export type SphynxForm = 'paper' | 'slim';

/** Collapsed reach of the published cells at each input: kernel size, and padding above and left. */
const NORMAL_CELL = {
  paper: [
    { kernel: 9, pad: 4 },
    { kernel: 9, pad: 4 },
  ],
  slim: [
    { kernel: 9, pad: 4 },
    { kernel: 5, pad: 2 },
  ],
};
const REDUCE_CELL = {
  paper: [
    { kernel: 15, pad: 7 },
    { kernel: 15, pad: 7 },
  ],
  slim: [
    { kernel: 7, pad: 3 },
    { kernel: 7, pad: 3 },
  ],
};
const IMAGENET_SIZE = 224;
const RING_BITS = 12;
const IMAGE_SCALE_BITS = 5;
/** Norm of an output channel's kernel, as the planner makes it, and the bits dropped after it: the gain per layer is about 1 after the ReLU. */
const WEIGHT_NORM = 5792;
const DROP_BITS = 12;
const LARGEST_WEIGHT = 1023;
/** Bits of random squares: about five bits remain of squared values, about as many as of a ReLU shifted up by one. */
const SQUARE_BITS = { dropBits: 18, shiftBits: 1 };

/** A network with the layers of a collapsed Sphynx network (Cho et al.; the stem and all cells are linear maps). */
export function randomModel(shape: SphynxShape): FixedNetwork {
  const { C, D, reduceAt, size, classes = 100, seed = 1, form = 'slim' } = shape;
  const { layers, sources } = stemOf(shape);
  let side = sources[1].side;
  let channels = C;
  for (let d = 0; d < D; d++) {
    const reduce = reduceAt.includes(d);
    // An older, larger input first goes through a 2x2 convolution of stride 2.
    const inputs = sources.map((source) => (source.side > side ? then(source, 2, 2, 0) : source));
    const cell = (reduce ? REDUCE_CELL : NORMAL_CELL)[form];
    const paths = inputs.map((input, i) => then(input, cell[i].kernel, reduce ? 2 : 1, cell[i].pad));
    if (reduce) {
      side /= 2;
      channels *= 4;
    }
    const distinct = paths[0].tensor === paths[1].tensor ? paths.slice(0, 1) : paths;
    layers.push({
      name: `cell-${d}`,
      output: { channels, height: side, width: side },
      terms: distinct.map(termOf),
    });
    sources.shift();
    sources.push(itself(layers.length, side));
  }
  layers.push(classifierOf(layers.length, classes));
  const name = `random-sphynx${form === 'paper' ? '-paper' : ''}-${C}-${D}-${reduceAt.join('.')}-at-${size}`;
  return randomNetwork(name, { channels: 3, height: size, width: size }, layers, seed, shape);
}

/** The layers before the first cell, and its two inputs. */
function stemOf({ C, size }: SphynxShape): { layers: LayerShape[]; sources: Path[] } {
  // One convolution without a ReLU, which is fused into the cells that read it.
  if (size < IMAGENET_SIZE) {
    const stem = then(itself(0, size), 3, 1, 1);
    return { layers: [], sources: [stem, stem] };
  }
  // Three of stride 2, the second and third after a ReLU; the cells read what these two give.
  const outputs = [
    { channels: C / 2, height: size / 2, width: size / 2 },
    { channels: C, height: size / 4, width: size / 4 },
  ];
  const convolved = (tensor: number) => then(itself(tensor, size / 2 ** tensor), 3, 2, 1);
  const layers = outputs.map((output, l) => ({ name: `stem-${l}`, output, terms: [termOf(convolved(l))] }));
  return { layers, sources: [convolved(1), convolved(2)] };
}

/**
 * A small network of `depth` layers with several terms, uneven padding and strides, as far as the format allows.
 * `linear`, `square`: the shares of every layer's elements that are linear and squared.
 */
export function randomSmallNetwork(seed: number, depth = 3, linear = 0, square = 0): FixedNetwork {
  const random = seededRandom(seed);
  const upTo = (most: number) => 1 + Math.floor(random() * most);
  const input = { channels: upTo(3), height: 4 + upTo(4), width: 4 + upTo(4) };
  const tensors: Shape[] = [input];
  const layers: LayerShape[] = [];
  for (let l = 0; l < depth; l++) {
    const output = { channels: upTo(6), height: 2 + upTo(3), width: 2 + upTo(3) };
    const terms = Array.from({ length: upTo(3) }, () => {
      const tensor = Math.floor(random() * tensors.length);
      return randomTerm(tensor, tensors[tensor], output, upTo);
    });
    layers.push({ name: `layer-${l}`, output, terms });
    tensors.push(output);
  }
  layers.push(classifierOf(depth, upTo(10)));
  return randomNetwork(`random-${seed}`, input, layers, seed, { linear, square });
}

function randomTerm(tensor: number, from: Shape, to: Shape, upTo: (most: number) => number): TermShape {
  const stride = (size: number, out: number) => upTo(Math.max(1, Math.floor(size / (out - 1))));
  const strideY = stride(from.height, to.height);
  const strideX = stride(from.width, to.width);
  const [kernelHeight, kernelWidth] = [upTo(5), upTo(5)];
  // Enough padding above that the last window still touches the map.
  const pad = (kernel: number, size: number, stride: number, out: number) =>
    Math.max(upTo(kernel) - 1, (out - 1) * stride - size + 1);
  const padTop = pad(kernelHeight, from.height, strideY, to.height);
  const padLeft = pad(kernelWidth, from.width, strideX, to.width);
  const divisors = [1, 2, 3].filter((groups) => from.channels % groups === 0 && to.channels % groups === 0);
  return {
    tensor,
    pool: 'none',
    strideY,
    strideX,
    kernelHeight: Math.max(kernelHeight, padTop + 1),
    kernelWidth: Math.max(kernelWidth, padLeft + 1),
    padTop,
    padLeft,
    groups: divisors[upTo(divisors.length) - 1],
  };
}

/** Random weights for layers, the last of which gives the logits; `linear`, `square`: shares of every other layer's elements, the latter maybe by layer. */
export function randomNetwork(
  name: string,
  input: Shape,
  shapes: LayerShape[],
  seed: number,
  { linear = 0, square = 0 }: { readonly linear?: number; readonly square?: number | readonly number[] },
): FixedNetwork {
  const squareShare = (layer: number) => (typeof square === 'number' ? square : square[layer]);
  const random = seededRandom(seed);
  const chooseLinear = seededRandom(~seed);
  // Elements that keep their sign have twice the mean square.
  const norm = WEIGHT_NORM / Math.sqrt(1 + linear + (typeof square === 'number' ? square : 1));
  const gadget = { ringBits: RING_BITS, dropBits: DROP_BITS };
  const { channels, width, height } = input;
  const outputs = shapes[shapes.length - 1].output.channels;
  const draft: CardDraft = {
    name,
    inputKind: fitsPicture(channels) ? 'picture' : 'signal',
    input,
    calibration: 'inputs',
    head: outputs > 1 ? 'softmax' : 'values',
    preprocessing: {
      width,
      height,
      mean: new Array<number>(channels).fill(0.5),
      std: new Array<number>(channels).fill(0.25),
      scaleBits: new Array<number>(channels).fill(IMAGE_SCALE_BITS),
      limit: null,
    },
    labels: Array.from({ length: outputs }, (_, i) => `class ${i}`),
    layers: shapes.map((shape, l) => {
      if (l === shapes.length - 1) return { ...shape, gadget: null, linear: null, squares: null };
      const passed = randomElements(elementsOf(shape.output), linear, chooseLinear);
      const share = squareShare(l);
      const elements = share > 0 ? bitmapOf(squaredAmong(passed, share, chooseLinear)) : null;
      const squares = elements ? { elements, ...SQUARE_BITS } : null;
      return { ...shape, gadget, linear: bitmapOf(passed), squares };
    }),
    logitScaleBits: 12,
  };
  return assembleNetwork(
    draft,
    shapes.map((_, l) => randomWeights(draft, l, norm, random)),
  );
}

/** Returns random flags of squares among the elements that are not linear, with the given share of all elements. */
function squaredAmong(linear: Uint8Array, share: number, random: () => number): Uint8Array {
  const left = linear.length - linear.reduce((sum, flag) => sum + flag, 0);
  const chosen = randomElements(left, Math.min(1, (share * linear.length) / left), random);
  let next = 0;
  return linear.map((flag) => (flag ? 0 : chosen[next++]));
}

function randomWeights(draft: CardDraft, layer: number, norm: number, random: () => number): LayerWeights {
  const { terms, output } = draft.layers[layer];
  const sizes = terms.map((_, t) => termWeights(draft, layer, t));
  const depth = sizes.reduce((sum, size) => sum + size, 0) / output.channels;
  // Uniform in [-w, w] has a mean square of w^2 / 3.
  const largest = Math.min(LARGEST_WEIGHT, Math.max(1, Math.round(norm * Math.sqrt(3 / depth))));
  const kernels = sizes.map((size) =>
    Int32Array.from({ length: size }, () => Math.floor((2 * largest + 1) * random()) - largest),
  );
  const spread = 2 ** DROP_BITS * 8;
  return {
    kernels,
    bias: Int32Array.from({ length: output.channels }, () => Math.round(spread * (random() - 0.5))),
  };
}

/** Returns a random image in tensor 0's integers, with the spread of normalised pixels. */
export function randomImage(network: FixedNetwork, seed: number): Int32Array {
  const random = seededRandom(seed);
  const scale = 2 ** network.card.preprocessing.scaleBits[0];
  return Int32Array.from({ length: elementsOf(network.card.input) }, () =>
    Math.round(4 * scale * (random() - 0.5)),
  );
}
