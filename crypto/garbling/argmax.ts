import { SphynxError } from '../../errors/sphynx-error.ts';
import { BLOCK_BYTES } from '../../kernels/blocks.ts';
import { GateHash, inKernelMemory } from '../hash.ts';
import { expand } from '../prg.ts';
import { andGates, largestIndices, WORD_BITS } from './argmax-circuit.ts';
import { checkLength, deltaOf, type GadgetBytes, type GarblerKeys, withAllKept } from './gadget.ts';
import { bitLabels } from './garble-inputs.ts';
import { EvaluatingGates, GarblingGates, type Gates } from './gates.ts';
import { layerSecrets } from './keys.ts';
import { chosenBitLabels } from './online.ts';
import { plane, Rows } from './rows.ts';

/**
 * Reveals only which logits are the largest, by one garbled circuit over shares of all of them (see argmax-circuit.ts).
 * The garbler's share is known online, the evaluator's offline; the evaluator reads the indices off the colours of
 * their labels.
 */
export interface Argmax {
  /** Logits, signed 32-bit words. */
  readonly logits: number;
  /**
   * Number of indices in the result, of the largest logits in descending order; of equal ones the first comes first.
   */
  readonly classes: number;
}

/**
 * Largest product of logits and classes: all labels of one tournament must fit into the kernel memory. ImageNet-21k
 * fits.
 */
export const MAX_ARGMAX = 2 ** 15;

/**
 * Returns the cost of one run, for all logits together. Throws 'crypto/input' if there are fewer logits than classes,
 * or too many.
 */
export function argmaxBytes(argmax: Argmax): GadgetBytes {
  const { logits, classes } = argmax;
  if (!(Number.isInteger(logits) && Number.isInteger(classes) && 1 <= classes && classes <= logits))
    throw new SphynxError('crypto/input', `cannot take the largest ${classes} of ${logits} logits`);
  if (logits * classes > MAX_ARGMAX)
    throw new SphynxError(
      'crypto/input',
      `${classes} classes of ${logits} logits are too many: their product is above ${MAX_ARGMAX}`,
    );
  const gates = sum(andGates(logits, classes));
  const labels = WORD_BITS * logits;
  const colours = resultBits(argmax);
  const tables = 2 * BLOCK_BYTES * gates + colours;
  return { ...withAllKept({ labels, tables, online: BLOCK_BYTES * labels + colours }), reply: 0 };
}

/**
 * Garbler, offline. Once per `keys`, which no other gadget may use. `zeroLabels`: the evaluator's wires' labels for 0,
 * from OT [16 * labels, bit-major]. Returns the tables: rows of the gates, then one byte per bit of the result, its
 * colour masked by a bit that follows online: a client that could read the result off the tables alone might choose its
 * image by them.
 */
export function garbleArgmax(argmax: Argmax, keys: GarblerKeys, zeroLabels: Uint8Array): Uint8Array {
  const { labels, tables } = argmaxBytes(argmax);
  checkLength('zero labels', zeroLabels, BLOCK_BYTES * labels);
  const secrets = layerSecrets(keys);
  const hash = argmaxHash(argmax, keys);
  const rows = new Rows(new Uint8Array(tables));
  inKernelMemory((memory) => {
    const gates = new GarblingGates(memory, hash, deltaOf(keys), rows);
    const own = bits((bit) => bitLabels(secrets, bit, 0, argmax.logits, memory));
    const indices = largestIndices(gates, own, planes(gates, zeroLabels, argmax), argmax.classes);
    const masks = colourMasks(argmax, keys);
    for (const [bit, label] of indices.flat().entries()) rows.take(1)[0] = colour(label) ^ masks[bit];
  });
  hash.close();
  return rows.bytes;
}

/** Creates the hash of the circuit with all its ciphers, which the evaluator can do while it waits for labels. */
export function argmaxHash(
  { logits, classes }: Argmax,
  { nonce, layer }: Pick<GarblerKeys, 'nonce' | 'layer'>,
): GateHash {
  const purposes = 2 * [...andGates(logits, classes)].length;
  const hash = new GateHash('argmax-hash', nonce, layer, purposes);
  hash.ready(Array(purposes).keys());
  return hash;
}

/** Evaluator, offline: its input bits [labels, bit-major]: the choices of its OTs. */
export function argmaxChoices({ logits }: Argmax, share: Uint32Array): Uint8Array {
  checkLength('share', share, logits);
  const choices = new Uint8Array(WORD_BITS * logits);
  for (let bit = 0; bit < WORD_BITS; bit++)
    for (let e = 0; e < logits; e++) choices[bit * logits + e] = (share[e] >>> bit) & 1;
  return choices;
}

/** Garbler, online: the labels of its share, then the masks of the result's colours [online bytes]. Never to be called for two different shares of one bundle. */
export function argmaxServerLabels(argmax: Argmax, keys: GarblerKeys, share: Uint32Array): Uint8Array {
  const { logits } = argmax;
  checkLength('share', share, logits);
  const secrets = layerSecrets(keys);
  return inKernelMemory((memory) => {
    const words = memory.u32(logits);
    words.set(share);
    const labels = WORD_BITS * BLOCK_BYTES * logits;
    const sent = memory.bytes(labels + resultBits(argmax));
    for (let bit = 0; bit < WORD_BITS; bit++)
      chosenBitLabels(
        secrets.digitCipher(bit),
        deltaOf(keys),
        words,
        bit,
        0,
        plane(sent, bit, logits),
        memory,
      );
    sent.set(colourMasks(argmax, keys), labels);
    return sent.slice();
  });
}

/**
 * Evaluator, online: the indices of the largest logits. `hash`: from `argmaxHash`; `tables`: from `garbleArgmax`;
 * `clientLabels`: of its share's bits, from OT [16 * labels]; `onlineLabels`: from `argmaxServerLabels`. Throws
 * 'crypto/input' on a wrong length and if a decoded index is out of range or repeated, as from labels that belong
 * elsewhere.
 */
export function evaluateArgmax(
  argmax: Argmax,
  hash: GateHash,
  tables: Uint8Array,
  clientLabels: Uint8Array,
  onlineLabels: Uint8Array,
): number[] {
  const bytes = argmaxBytes(argmax);
  checkLength('tables', tables, bytes.tables);
  checkLength('labels', clientLabels, BLOCK_BYTES * bytes.labels);
  checkLength('online labels', onlineLabels, bytes.online);
  const found = inKernelMemory((memory) => {
    const rows = new Rows(tables);
    const gates = new EvaluatingGates(memory, hash, rows);
    const masks = onlineLabels.subarray(BLOCK_BYTES * bytes.labels);
    const serverLabels = onlineLabels.subarray(0, BLOCK_BYTES * bytes.labels);
    const [a, b] = [serverLabels, clientLabels].map((labels) => planes(gates, labels, argmax));
    const indices = largestIndices(gates, a, b, argmax.classes);
    const decoded = indices.flat().map((label, bit) => (colour(label) ^ rows.take(1)[0] ^ masks[bit]) & 1);
    const width = decoded.length / argmax.classes;
    return indices.map((_, i) =>
      decoded.slice(i * width, (i + 1) * width).reduce((value, bit, place) => value | (bit << place), 0),
    );
  });
  if (found.some((index) => index >= argmax.logits) || new Set(found).size < found.length)
    throw new SphynxError(
      'crypto/input',
      `the garbled argmax did not give ${argmax.classes} of ${argmax.logits} indices`,
    );
  return found;
}

/** The bits that mask the colours of the result, a byte 0 or 1 each; from the seed, so that the server stores none. */
function colourMasks(argmax: Argmax, keys: GarblerKeys): Uint8Array {
  return expand(keys.seed, 'result-colours', resultBits(argmax)).map((byte) => byte & 1);
}

/** Bits of all indices together. */
function resultBits({ logits, classes }: Argmax): number {
  return classes * Math.ceil(Math.log2(logits));
}

function planes({ memory }: Gates, labels: Uint8Array, { logits }: Argmax): Uint8Array[] {
  const placed = memory.bytes(labels.length);
  placed.set(labels);
  return bits((bit) => plane(placed, bit, logits));
}

function bits<T>(of: (bit: number) => T): T[] {
  return Array.from({ length: WORD_BITS }, (_, bit) => of(bit));
}

function colour(label: Uint8Array): number {
  return label[0] & 1;
}

function sum(values: Iterable<number>): number {
  let total = 0;
  for (const value of values) total += value;
  return total;
}
