import { sha256Hex } from '#platform/digest';
import { type Argmax, argmaxBytes } from '../crypto/garbling/argmax.ts';
import {
  GADGET_CHUNK,
  type Gadget,
  type GadgetBytes,
  gadgetBytes,
  hasBitLabels,
  SQUARE_TRANSFERS,
} from '../crypto/garbling/gadget.ts';
import { planHe } from '../crypto/he/packing.ts';
import { SEED_BYTES as KEY_SEED_BYTES, PARAMETERS_HASH, PUBLIC_KEY_BYTES } from '../crypto/he/parameters.ts';
import type { HePlan } from '../crypto/he/plan.ts';
import { BASE_OT_MESSAGE_BYTES, BASE_OT_REPLY_BYTES } from '../crypto/ot/base-ot.ts';
import { BLOCK_TRANSFERS, type OtTreeBits, treeMessageBytes } from '../crypto/ot/correlated-ot.ts';
import { checkedTransferBytes } from '../crypto/ot/extension-check.ts';
import { SEED_BYTES } from '../crypto/prg.ts';
import type { ModelCard } from '../model/card.ts';
import { countFlags, flagsOf } from '../model/element-bitmap.ts';
import { reluCount } from '../model/geometry.ts';
import { hashedJson } from '../model/hashed-json.ts';
import { classesOf } from '../model/output.ts';
import type { CardLayer, GadgetParameters, Shape } from '../model/shape.ts';
import { NONCE_BYTES } from './bundle.ts';
import { type ElementOrder, elementOrder } from './element-order.ts';
import { DIGIT_BITS, type LabelEncoding } from './label-encoding.ts';

/** Version of the protocol, which changes whenever two versions of this code could not communicate. */
const PROTOCOL_VERSION = 4;

/**
 * Depth of the trees of SoftSpokenOT: at depth 4 a transfer sends 4 bytes in place of IKNP's 16 and takes one and a
 * half times as long.
 */
export const OT_TREE_BITS: OtTreeBits = 4;

/**
 * Most squares of a chunk: their transfers fill one block of the extension, and one more would begin a second, which
 * needs as many cipher calls as a full one. A multiple of 128, so that their matrix has no spare columns.
 */
export const SQUARE_CHUNK = 128 * Math.floor(BLOCK_TRANSFERS / SQUARE_TRANSFERS / 128);

/** The argmax, told from the gadgets of single elements by its kind. */
export interface ArgmaxGadget extends Argmax {
  readonly kind: 'argmax';
}

/** A run of elements that is garbled, sent and evaluated as one; or the argmax over all logits, as a single element. */
export interface Chunk<Kind extends Gadget | ArgmaxGadget = Gadget | ArgmaxGadget> {
  /** Position of the first in the layer's order, which is the tweak of its hashes. */
  readonly first: number;
  readonly count: number;
  readonly gadget: Kind;
  /** Bytes per element. */
  readonly bytes: GadgetBytes;
}

/** A secret tensor as the linear layers read it homomorphically: itself, or summed over its map. */
export interface HeTensor {
  readonly tensor: number;
  readonly pool: 'none' | 'sum';
  readonly shape: Shape;
}

export interface LayerPlan {
  readonly name: string;
  /** Outputs of the linear layer. */
  readonly elements: number;
  /** Order in which the chunks take the elements. */
  readonly order: ElementOrder;
  /** The chunks, which together hold every element once. After the last layer: none, or the argmax if the client learns only classes. */
  readonly chunks: readonly Chunk[];
  /** The same chunks, grouped by the matrices of oblivious transfers that provide their labels. */
  readonly runs: readonly (readonly Chunk[])[];
  /** For each term of the layer, the HE tensor that it reads. */
  readonly heTensors: readonly number[];
}

/** Bytes of payload in each direction: up is client to server. */
export interface Traffic {
  /** Client to server (bytes). */
  readonly up: number;
  /** Server to client (bytes). */
  readonly down: number;
}

/** The inputs from which the plan is derived. */
export interface Agreement {
  readonly card: ModelCard;
  readonly setting: LabelEncoding;
}

/**
 * The public agreement of both parties, computed by each from the model card and the server's setting. Every length on the wire
 * is checked against it; nothing in it depends on weights or images.
 */
export interface Plan extends Agreement {
  /** SHA-256 (hex) over everything on which both parties must agree. */
  readonly hash: string;
  /** Elements of each secret tensor: the image, then the output of each layer but the last. */
  readonly tensorElements: readonly number[];
  readonly layers: readonly LayerPlan[];
  readonly heTensors: readonly HeTensor[];
  readonly he: HePlan;
  /** Traffic of keys and base OTs, once per session. */
  readonly sessionBytes: Traffic;
  /** Traffic per bundle. */
  readonly offlineBytes: Traffic;
  /** Traffic per inference. */
  readonly onlineBytes: Traffic;
  /** Length of the bundle that the client stores (bytes). */
  readonly bundleBytes: number;
  /** Round trips of the online phase. */
  readonly rounds: number;
}

/** Derives the plan of a model. Throws 'crypto/parameters' if a kernel reaches farther than a polynomial. */
export function makePlan(card: ModelCard, setting: LabelEncoding = 'fast'): Plan {
  const tensors = [card.input, ...card.layers.slice(0, -1).map(({ output }) => output)];
  const { heTensors, layers } = planLayers(card, setting, tensors);
  const he = planHe(
    heTensors.map(({ shape }) => shape),
    card.layers.map(({ output, terms }, l) => ({
      output,
      terms: terms.map((term, t) => ({ ...term, tensor: layers[l].heTensors[t] })),
    })),
  );
  return {
    card,
    setting,
    hash: planHash({ card, setting }),
    tensorElements: tensors.map(elementsOf),
    layers,
    heTensors,
    he,
    sessionBytes: {
      up: PUBLIC_KEY_BYTES + BASE_OT_MESSAGE_BYTES + treeMessageBytes(OT_TREE_BITS),
      down: KEY_SEED_BYTES + BASE_OT_REPLY_BYTES,
    },
    offlineBytes: offlineBytes(layers, he),
    onlineBytes: onlineBytes(layers, elementsOf(card.input)),
    bundleBytes: bundleBytes(layers),
    rounds: card.layers.length,
  };
}

function planLayers(
  card: ModelCard,
  setting: LabelEncoding,
  tensors: Shape[],
): { heTensors: HeTensor[]; layers: LayerPlan[] } {
  const heTensors: HeTensor[] = [];
  const heTensorOf = (tensor: number, pool: 'none' | 'sum'): number => {
    const known = heTensors.findIndex((candidate) => candidate.tensor === tensor && candidate.pool === pool);
    if (known >= 0) return known;
    const shape = pool === 'sum' ? { ...tensors[tensor], height: 1, width: 1 } : tensors[tensor];
    return heTensors.push({ tensor, pool, shape }) - 1;
  };
  const layers = card.layers.map((layer): LayerPlan => {
    const elements = elementsOf(layer.output);
    const chunks = layer.gadget ? chunksOf(layer, layer.gadget, setting) : argmaxOf(card);
    return {
      name: layer.name,
      elements,
      order: elementOrder(
        flagsOf(layer.linear, elements),
        flagsOf(layer.squares?.elements ?? null, elements),
      ),
      chunks,
      runs: runsOf(chunks),
      heTensors: layer.terms.map(({ tensor, pool }) => heTensorOf(tensor, pool)),
    };
  });
  return { heTensors, layers };
}

function chunksOf(layer: CardLayer, parameters: GadgetParameters, setting: LabelEncoding): Chunk<Gadget>[] {
  const { squares } = layer;
  const elements = elementsOf(layer.output);
  const relus = reluCount(layer);
  const others = relus + countFlags(layer.linear);
  const shiftBits = squares?.shiftBits ?? 0;
  const chunks: Chunk<Gadget>[] = [];
  const add = (kind: Gadget['kind'], start: number, end: number, own: Partial<Gadget> = {}) => {
    const gadget = { kind, ...parameters, shiftBits, digitBits: DIGIT_BITS[setting], ...own };
    const bytes = gadgetBytes(gadget);
    const most = kind === 'square' ? SQUARE_CHUNK : GADGET_CHUNK;
    for (let first = start; first < end; first += most)
      chunks.push({ first, count: Math.min(most, end - first), gadget, bytes });
  };
  add('relu', 0, relus);
  add('rescale', relus, others);
  if (squares) add('square', others, elements, { dropBits: squares.dropBits, shiftBits: 0 });
  return chunks;
}

/** Groups chunks into matrices that each fill a block of the extension. */
function runsOf(chunks: readonly Chunk[]): Chunk[][] {
  const runs: Chunk[][] = [];
  let transfers = Number.POSITIVE_INFINITY;
  for (const chunk of chunks) {
    transfers += chunkTransfers(chunk);
    if (transfers <= BLOCK_TRANSFERS) runs[runs.length - 1].push(chunk);
    else {
      runs.push([chunk]);
      transfers = chunkTransfers(chunk);
    }
  }
  return runs;
}

/** Oblivious transfers of a chunk: one per bit of the client's input. */
export function chunkTransfers({ count, bytes }: Pick<Chunk, 'count' | 'bytes'>): number {
  return bytes.labels * count;
}

/** The chunk after the last layer, if the card asks for one. */
function argmaxOf({ output, labels }: ModelCard): Chunk<ArgmaxGadget>[] {
  const classes = classesOf(output);
  if (classes === null) return [];
  const gadget: ArgmaxGadget = { kind: 'argmax', logits: labels.length, classes };
  return [{ first: 0, count: 1, gadget, bytes: argmaxBytes(gadget) }];
}

/** The chunks of single elements. */
export function elementChunks({ chunks }: Pick<LayerPlan, 'chunks'>): Chunk<Gadget>[] {
  return chunks.filter((chunk): chunk is Chunk<Gadget> => chunk.gadget.kind !== 'argmax');
}

/** The argmax over the logits; undefined where the client learns the logits. */
export function argmaxChunk({ layers }: Pick<Plan, 'layers'>): Chunk<ArgmaxGadget> | undefined {
  const last = layers[layers.length - 1];
  return last.chunks.find((chunk): chunk is Chunk<ArgmaxGadget> => chunk.gadget.kind === 'argmax');
}

function offlineBytes(layers: LayerPlan[], he: HePlan): Traffic {
  let up = sum(he.tensors.map(({ bytes }) => bytes));
  let down = NONCE_BYTES + sum(he.layers.flatMap(({ parts }) => parts.map(({ bytes }) => bytes)));
  for (const layer of layers) {
    const transfers = checkedTransferBytes(transferRuns(layer), OT_TREE_BITS);
    up += transfers.up;
    down += transfers.down + sum(layer.chunks.map(({ count, bytes }) => bytes.tables * count));
  }
  return { up, down };
}

function onlineBytes(layers: LayerPlan[], inputElements: number): Traffic {
  const chunks = layers.flatMap((layer) => layer.chunks);
  const logitShare = argmaxChunk({ layers }) ? 0 : 4 * layers[layers.length - 1].elements;
  return {
    up: 4 * inputElements + sum(chunks.map(({ count, bytes }) => bytes.reply * count)),
    down: sum(chunks.map(({ count, bytes }) => bytes.online * count)) + logitShare,
  };
}

function bundleBytes(layers: LayerPlan[]): number {
  const perLayer = layers.map(({ elements, chunks }) => 4 * elements + sum(chunks.map(storedBytes)));
  return SEED_BYTES + NONCE_BYTES + sum(perLayer);
}

/** Oblivious transfers of each run of a layer. */
export function transferRuns({ runs }: Pick<LayerPlan, 'runs'>): number[] {
  return runs.map((chunks) => sum(chunks.map(chunkTransfers)));
}

/** Whether the server needs Delta online, which labels of single bits require and keys of two-bit digits do not. */
export function needsDelta({ layers }: Pick<Plan, 'layers'>): boolean {
  const needed = ({ gadget }: Chunk) => gadget.kind === 'argmax' || hasBitLabels(gadget);
  return layers.some(({ chunks }) => chunks.some(needed));
}

/** Bytes that the client stores per chunk: the kept part of its labels and of the tables. */
export function storedBytes({ count, bytes }: Pick<Chunk, 'count' | 'bytes'>): number {
  return (bytes.kept.labels + bytes.kept.tables) * count;
}

/** `Plan.hash` without the plan. */
export function planHash({ card, setting }: Agreement): string {
  const chunks = card.layers.some(({ squares }) => squares)
    ? { GADGET_CHUNK, SQUARE_CHUNK }
    : { GADGET_CHUNK };
  const agreed = { PROTOCOL_VERSION, OT_TREE_BITS, ...chunks, PARAMETERS_HASH, setting, card };
  return sha256Hex(hashedJson(agreed));
}

function elementsOf({ channels, height, width }: Shape): number {
  return channels * height * width;
}

function sum(values: number[]): number {
  return values.reduce((total, value) => total + value, 0);
}
