import { SphynxError } from '../../errors/sphynx-error.ts';
import { FRESH_CIPHERTEXT_BYTES, POLYNOMIAL, returnedCiphertextBytes } from './parameters.ts';
import { planTiles, type Reach, type TileGrid } from './tiles.ts';

/**
 * Coefficient packing after Cheetah (Huang et al., USENIX Security 2022, section 4), with shared padding.
 *
 * A polynomial holds `channels` channels of one tile of the map. Element (c, y, x) is the coefficient
 * c*S + y*Wp + x with Wp = tile width + gap, S = (tile height + gap) * Wp. The zeros after each row and after each
 * channel pad both neighbours; the padding before the first channel is the end of the polynomial, zero as well.
 *
 * The weight of output channel j, input channel c at (dy, dx) is the coefficient
 * j*channels*S + (channels-1-c)*S + (padTop-dy)*Wp + (padLeft-dx) of the kernel's polynomial (negative exponents
 * wrap round with a change of sign). In the product modulo X^N + 1, output (j, y, x) of the tile then is the
 * coefficient j*channels*S + (channels-1)*S + (y*stride-y0)*Wp + x*stride-x0, whatever the kernel's size: terms
 * over tensors of one packing and stride add up in the same ciphertext.
 *
 * Nothing else lands there if outputs*channels*S <= N: a weight of output j' reads, for output j, the input at
 * (j-j')*channels*S + c*S + r with -gap <= r < S, gap = rowGap*Wp + colGap. For j > j' that is at least
 * channels*S - gap and below N: the last channel's padding or the unused end. For j < j' it is negative, and plus
 * N at least channels*S - gap again.
 */

/** Size of a tensor's map. */
export interface MapShape {
  readonly channels: number;
  readonly height: number;
  readonly width: number;
}

/** One convolution of a linear layer. */
export interface HeTerm {
  readonly tensor: number;
  readonly kernelHeight: number;
  readonly kernelWidth: number;
  readonly stride: number;
  readonly padTop: number;
  readonly padLeft: number;
}

export interface HeLayer {
  readonly output: MapShape;
  readonly terms: readonly HeTerm[];
}

/** How a tensor becomes ciphertexts: channel group by channel group, tile by tile. */
export interface TensorPacking {
  readonly shape: MapShape;
  /** Channels per polynomial. */
  readonly channels: number;
  readonly groups: number;
  readonly tiles: TileGrid;
  /** Coefficients per channel. */
  readonly channelSize: number;
  readonly ciphertexts: number;
  /** Wire length of all ciphertexts. */
  readonly bytes: number;
}

/** Terms of a layer that share their output ciphertexts. The parts of a layer add up. */
export interface PartPacking {
  /** Indices of the layer's terms. */
  readonly terms: readonly number[];
  /** The same, as convolutions. */
  readonly convolutions: readonly HeTerm[];
  /** Packing of every tensor of the part. */
  readonly input: TensorPacking;
  readonly output: MapShape;
  readonly stride: number;
  /** Output channels per ciphertext. */
  readonly channels: number;
  readonly groups: number;
  /** Ciphertexts: group by group, tile by tile. */
  readonly ciphertexts: number;
  readonly reach: Reach;
  /** Wire length of all ciphertexts. */
  readonly bytes: number;
}

export interface HePlan {
  readonly tensors: readonly TensorPacking[];
  readonly layers: readonly { readonly parts: readonly PartPacking[] }[];
}

/** Terms of one layer over tensors of one shape and with one stride. */
interface PartDraft {
  readonly layer: number;
  readonly terms: number[];
  readonly shape: MapShape;
  readonly stride: number;
  reach: Reach;
}

/**
 * Packs all tensors and layers of a network so that the ciphertexts of both directions take the fewest bytes.
 * Tensors of equal shape are packed alike. `polynomial` is N; tests use small ones. Throws 'crypto/parameters'
 * if a kernel does not fit.
 */
export function planHe(
  tensors: readonly MapShape[],
  layers: readonly HeLayer[],
  polynomial = POLYNOMIAL,
): HePlan {
  const drafts = layers.flatMap((layer, l) => draftParts(tensors, layer, l));
  const packings = new Map<string, TensorPacking>();
  for (const shape of tensors) {
    const key = shapeKey(shape);
    if (packings.has(key)) continue;
    const copies = tensors.filter((other) => shapeKey(other) === key).length;
    const consumers = drafts.filter((draft) => shapeKey(draft.shape) === key);
    packings.set(key, choosePacking(shape, copies, consumers, layers, polynomial));
  }
  const packingOf = (shape: MapShape) => packings.get(shapeKey(shape)) as TensorPacking;
  return {
    tensors: tensors.map(packingOf),
    layers: layers.map((layer, l) => ({
      parts: drafts
        .filter((draft) => draft.layer === l)
        .map((draft) => packPart(draft, layer, packingOf(draft.shape), polynomial)),
    })),
  };
}

function draftParts(tensors: readonly MapShape[], layer: HeLayer, index: number): PartDraft[] {
  const drafts: PartDraft[] = [];
  for (const [t, term] of layer.terms.entries()) {
    const shape = tensors[term.tensor];
    const reach = reachOf(term, shape, layer.output);
    const draft = drafts.find((d) => shapeKey(d.shape) === shapeKey(shape) && d.stride === term.stride);
    if (!draft) drafts.push({ layer: index, terms: [t], shape, stride: term.stride, reach });
    else {
      draft.terms.push(t);
      draft.reach = largest(draft.reach, reach);
    }
  }
  return drafts;
}

function reachOf(term: HeTerm, shape: MapShape, output: MapShape): Reach {
  const beyond = (out: number, kernel: number, pad: number, size: number) =>
    Math.max(0, (out - 1) * term.stride - pad + kernel - size);
  const reach = {
    above: term.padTop,
    below: term.kernelHeight - term.padTop,
    left: term.padLeft,
    right: term.kernelWidth - term.padLeft,
    rowGap: Math.max(term.padTop, beyond(output.height, term.kernelHeight, term.padTop, shape.height)),
    colGap: Math.max(term.padLeft, beyond(output.width, term.kernelWidth, term.padLeft, shape.width)),
  };
  if (reach.below < 1 || reach.right < 1 || reach.rowGap >= term.kernelHeight || reach.colGap >= term.kernelWidth)
    throw new SphynxError('crypto/parameters', 'a convolution has windows that lie wholly in its padding');
  return reach;
}

function choosePacking(
  shape: MapShape,
  copies: number,
  consumers: readonly PartDraft[],
  layers: readonly HeLayer[],
  polynomial: number,
): TensorPacking {
  const reach = consumers.map((draft) => draft.reach).reduce(largest, NO_REACH);
  const tiles = planTiles(shape, reach, polynomial);
  const channelSize = (tiles.tileHeight + tiles.rowGap) * tiles.rowLength;
  let best: TensorPacking | undefined;
  let least = Number.POSITIVE_INFINITY;
  for (let channels = 1; channels <= Math.min(shape.channels, polynomial / channelSize); channels++) {
    const groups = Math.ceil(shape.channels / channels);
    const ciphertexts = groups * tiles.rows * tiles.columns;
    const bytes = ciphertexts * FRESH_CIPHERTEXT_BYTES;
    const packing = { shape, channels, groups, tiles, channelSize, ciphertexts, bytes };
    const parts = consumers.map((draft) => packPart(draft, layers[draft.layer], packing, polynomial));
    const total = copies * bytes + parts.reduce((sum, part) => sum + part.bytes, 0);
    if (total < least) [best, least] = [packing, total];
  }
  return best as TensorPacking;
}

function packPart(draft: PartDraft, layer: HeLayer, input: TensorPacking, polynomial: number): PartPacking {
  const { output } = layer;
  const fitting = Math.floor(polynomial / (input.channels * input.channelSize));
  const channels = Math.min(fitting, output.channels);
  const groups = Math.ceil(output.channels / channels);
  const ciphertexts = groups * input.tiles.rows * input.tiles.columns;
  // Over all ciphertexts every output is carried once.
  const outputs = output.channels * output.height * output.width;
  return {
    terms: draft.terms,
    convolutions: draft.terms.map((t) => layer.terms[t]),
    input,
    output,
    stride: draft.stride,
    channels,
    groups,
    ciphertexts,
    reach: draft.reach,
    bytes: ciphertexts * returnedCiphertextBytes(0) + returnedCiphertextBytes(outputs) - returnedCiphertextBytes(0),
  };
}

const NO_REACH: Reach = { above: 0, below: 1, left: 0, right: 1, rowGap: 0, colGap: 0 };

function largest(a: Reach, b: Reach): Reach {
  return {
    above: Math.max(a.above, b.above),
    below: Math.max(a.below, b.below),
    left: Math.max(a.left, b.left),
    right: Math.max(a.right, b.right),
    rowGap: Math.max(a.rowGap, b.rowGap),
    colGap: Math.max(a.colGap, b.colGap),
  };
}

function shapeKey({ channels, height, width }: MapShape): string {
  return `${channels}x${height}x${width}`;
}
