import { BLOCK_BYTES, hashInputs } from '../../kernels/blocks.ts';
import { evaluatePair, PAIR_ROW_BYTES, pairInputs } from '../../kernels/decode-tables.ts';
import { DIGIT_ROW_BYTES, evaluateDigit } from '../../kernels/digit-tables.ts';
import { adderInputs, evaluateAnd } from '../../kernels/half-gates.ts';
import type { KernelMemory } from '../../kernels/memory.ts';
import { type GateHash, gateHash, inKernelMemory, PURPOSE } from '../hash.ts';
import { addShares, bytesToWords } from '../ring.ts';
import { CORRECTION_BYTES, checkChunk, checkLength, digitsOf, type Gadget, gadgetBytes } from './gadget.ts';
import { circuitInput, evaluatorPart, shifted } from './inputs.ts';
import { plane, Rows } from './rows.ts';

/** Elements first .. first + count of a layer, garbled for one bundle. */
export interface GarbledElements {
  readonly nonce: Uint8Array;
  readonly layer: number;
  readonly first: number;
  readonly count: number;
}

/** The evaluator's data for these elements. Arrays in the kernel memory are used in place. */
export interface EvaluatorInput {
  /** Its own share [count words]. */
  readonly share: Uint32Array;
  /** From `garble` [tables * count bytes]. */
  readonly tables: Uint8Array;
  /** The labels of its input bits, from OT [16 * labels * count, position-major]. */
  readonly clientLabels: Uint8Array;
  /** From `serverLabels` [online * count bytes]. */
  readonly onlineLabels: Uint8Array;
}

/** State shared by all passes over a chunk. */
interface Chunk {
  readonly hash: GateHash;
  readonly first: number;
  readonly count: number;
  readonly memory: KernelMemory;
  readonly rows: Rows;
}

/**
 * Evaluator, offline: its input bits, one byte 0 or 1 each, position-major [labels * count]: the choices of its
 * OTs. `share`: of the layer's elements or some of them.
 */
export function clientBits(gadget: Gadget, share: Uint32Array): Uint8Array {
  const { labels } = gadgetBytes(gadget);
  const input = circuitInput(gadget, share);
  const bits = new Uint8Array(labels * input.length);
  for (let j = 0; j < labels; j++)
    for (let e = 0; e < input.length; e++) bits[j * input.length + e] = (input[e] >>> j) & 1;
  return bits;
}

/** Evaluator, online: creates the ciphers of a layer before the first `evaluate`, in idle time. */
export function readyEvaluator(gadget: Gadget, nonce: Uint8Array, layer: number): void {
  const purposes = gadget.kind === 'relu' ? reluPurposes(gadget) : [PURPOSE.decode(0)];
  gateHash(nonce, layer).ready(purposes);
}

function* reluPurposes(gadget: Gadget): Iterable<number> {
  for (const { bit, bits } of digitsOf(gadget))
    if (bits === 2) yield* [PURPOSE.digit(bit), PURPOSE.digit(bit + 1)];
  for (let bit = 0; bit < gadget.ringBits - 1; bit++)
    yield* [PURPOSE.generator(bit), PURPOSE.evaluator(bit), PURPOSE.decode(bit)];
}

/**
 * Evaluator, online: 2^shiftBits (f(x) + rho) mod 2^32 [count words], where only the garbler knows rho. Throws
 * 'crypto/input' on a wrong length.
 */
export function evaluate(
  gadget: Gadget,
  { nonce, layer, first, count }: GarbledElements,
  { share, tables, clientLabels, onlineLabels }: EvaluatorInput,
): Uint32Array {
  const bytes = gadgetBytes(gadget);
  checkChunk(first, count);
  checkLength('share', share, count);
  checkLength('tables', tables, bytes.tables * count);
  checkLength('labels', clientLabels, BLOCK_BYTES * bytes.labels * count);
  checkLength('online labels', onlineLabels, bytes.online * count);
  const hash = gateHash(nonce, layer);
  return inKernelMemory((memory) => {
    const chunk = { hash, first, count, memory, rows: new Rows(placed(memory, tables)) };
    const b = placed(memory, clientLabels);
    const online = placed(memory, onlineLabels);
    const opened = memory.u32(count).fill(0);
    if (gadget.kind === 'rescale') openDecodeTable(chunk, 0, online, b, opened);
    else {
      const sums = add(gadget, chunk, openInputs(gadget, chunk, online), b);
      const label = (bit: number) => plane(sums, bit, count);
      for (let bit = 0; bit < gadget.ringBits - 1; bit++)
        openDecodeTable(chunk, bit, label(bit), label(gadget.ringBits - 1), opened);
    }
    const masked = addShares(opened, bytesToWords(chunk.rows.take(CORRECTION_BYTES * count)));
    return shifted(gadget.kind === 'relu' ? masked : addShares(masked, evaluatorPart(gadget, share)), gadget);
  });
}

/** The labels of the garbler's input wires, from its digit keys. */
function openInputs(gadget: Gadget, chunk: Chunk, online: Uint8Array): Uint8Array {
  const { hash, first, count, memory, rows } = chunk;
  const size = BLOCK_BYTES * count;
  const a = memory.bytes(gadget.ringBits * size);
  const inputs = memory.bytes(size);
  for (const [d, { bit, bits }] of digitsOf(gadget).entries()) {
    const keys = plane(online, d, count);
    const low = plane(a, bit, count);
    if (bits === 1) {
      low.set(keys);
      continue;
    }
    const high = plane(a, bit + 1, count);
    hashInputs(keys, inputs, first);
    hash.cipher(PURPOSE.digit(bit), inputs, low);
    hash.cipher(PURPOSE.digit(bit + 1), inputs, high);
    evaluateDigit(keys, inputs, [low, high], rows.take(DIGIT_ROW_BYTES * count), count);
  }
  return a;
}

/** The labels of the sum's bits [ringBits planes]. */
function add({ ringBits }: Gadget, chunk: Chunk, a: Uint8Array, b: Uint8Array): Uint8Array {
  const { hash, first, count, memory, rows } = chunk;
  const size = BLOCK_BYTES * count;
  const sums = memory.bytes(ringBits * size);
  const c = memory.bytes(size).fill(0);
  const position = {
    left: memory.bytes(size),
    right: memory.bytes(size),
    leftInputs: memory.bytes(size),
    rightInputs: memory.bytes(size),
  };
  const ciphers = { left: memory.bytes(size), right: memory.bytes(size) };
  for (let bit = 0; bit < ringBits; bit++) {
    const sum = plane(sums, bit, count);
    adderInputs(plane(a, bit, count), plane(b, bit, count), c, null, position, sum, first);
    if (bit === ringBits - 1) break;
    hash.cipher(PURPOSE.generator(bit), position.leftInputs, ciphers.left);
    hash.cipher(PURPOSE.evaluator(bit), position.rightInputs, ciphers.right);
    evaluateAnd(position, ciphers, { generator: rows.take(size), evaluator: rows.take(size) }, c);
  }
  return sums;
}

/** Adds to `opened` the words that the labels x and y open. */
function openDecodeTable(
  { hash, first, count, memory, rows }: Chunk,
  bit: number,
  x: Uint8Array,
  y: Uint8Array,
  opened: Uint32Array,
): void {
  memory.scope(() => {
    const inputs = memory.bytes(BLOCK_BYTES * count);
    const ciphers = memory.bytes(BLOCK_BYTES * count);
    pairInputs(x, y, null, inputs, count, first);
    hash.cipher(PURPOSE.decode(bit), inputs, ciphers);
    evaluatePair(x, y, inputs, ciphers, rows.take(PAIR_ROW_BYTES * count), opened);
  });
}

/** Returns `bytes` in the kernel memory: themselves if they are already there, otherwise a copy. */
function placed(memory: KernelMemory, bytes: Uint8Array): Uint8Array {
  if (bytes.buffer === memory.buffer) return bytes;
  const copy = memory.bytes(bytes.length);
  copy.set(bytes);
  return copy;
}
