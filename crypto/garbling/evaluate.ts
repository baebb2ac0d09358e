import { BLOCK_BYTES, hashInputs } from '../../kernels/blocks.ts';
import { evaluatePair, PAIR_ROW_BYTES, pairInputs } from '../../kernels/decode-tables.ts';
import { DIGIT_ROW_BYTES, evaluateDigit } from '../../kernels/digit-tables.ts';
import { adderInputs, evaluateAnd } from '../../kernels/half-gates.ts';
import type { KernelMemory } from '../../kernels/memory.ts';
import { type GateHash, inKernelMemory, PURPOSE } from '../hash.ts';
import { addShares } from '../ring.ts';
import { checkChunk, digitsOf, type Gadget, gadgetBytes } from './gadget.ts';
import { Rows } from './garble.ts';
import { evaluatorPart } from './inputs.ts';

/** What the evaluator holds for elements first .. first + count of a layer. */
export interface EvaluatorChunk {
  readonly first: number;
  readonly count: number;
  /** Its own share [count words]. */
  readonly share: Uint32Array;
  /** From the garbler, offline [tables * count bytes]. */
  readonly tables: Uint8Array;
  /** Labels of its input bits [16 * labels * count, position-major]. */
  readonly labels: Uint8Array;
  /** Keys or labels of the garbler's input [online * count bytes, position-major]. */
  readonly online: Uint8Array;
}

/** Evaluates a chunk: f(x) + rho mod 2^32 [count words], where only the garbler knows rho. */
export function evaluate(gadget: Gadget, hash: GateHash, chunk: EvaluatorChunk): Uint32Array {
  const { count } = chunk;
  const bytes = gadgetBytes(gadget);
  checkChunk('share', chunk.share, count, count);
  checkChunk('tables', chunk.tables, bytes.tables * count, count);
  checkChunk('labels', chunk.labels, BLOCK_BYTES * bytes.labels * count, count);
  checkChunk('online labels', chunk.online, bytes.online * count, count);
  return inKernelMemory((memory) => {
    const rows = new Rows(copied(memory, chunk.tables));
    const b = copied(memory, chunk.labels);
    const online = copied(memory, chunk.online);
    const opened = memory.u32(count).fill(0);
    if (gadget.kind === 'relu') {
      const a = openInputs(gadget, hash, chunk, memory, online, rows);
      const sums = add(gadget, hash, chunk, memory, a, b, rows);
      const plane = BLOCK_BYTES * count;
      const sign = sums.subarray((gadget.ringBits - 1) * plane);
      for (let bit = 0; bit < gadget.ringBits - 1; bit++)
        openDecodeTable(hash, chunk, bit, memory, sums.subarray(bit * plane), sign, rows, opened);
      return opened.slice();
    }
    openDecodeTable(hash, chunk, 0, memory, online, b, rows, opened);
    return addShares(opened, evaluatorPart(gadget, chunk.share));
  });
}

/** The labels of the garbler's input wires, from its digit keys. */
function openInputs(
  gadget: Gadget,
  hash: GateHash,
  { first, count }: EvaluatorChunk,
  memory: KernelMemory,
  online: Uint8Array,
  rows: Rows,
): Uint8Array {
  const plane = BLOCK_BYTES * count;
  const a = memory.bytes(gadget.ringBits * plane);
  const inputs = memory.bytes(plane);
  for (const [d, { bit, bits }] of digitsOf(gadget).entries()) {
    const keys = online.subarray(d * plane, (d + 1) * plane);
    const low = a.subarray(bit * plane, (bit + 1) * plane);
    if (bits === 1) {
      low.set(keys);
      continue;
    }
    const high = a.subarray((bit + 1) * plane, (bit + 2) * plane);
    hashInputs(keys, inputs, first);
    hash.hash(PURPOSE.digit(bit), inputs, low);
    hash.hash(PURPOSE.digit(bit + 1), inputs, high);
    evaluateDigit(keys, [low, high], rows.take(DIGIT_ROW_BYTES * count), count);
  }
  return a;
}

/** The labels of the sum's bits [ringBits planes]. */
function add(
  { ringBits }: Gadget,
  hash: GateHash,
  { first, count }: EvaluatorChunk,
  memory: KernelMemory,
  a: Uint8Array,
  b: Uint8Array,
  rows: Rows,
): Uint8Array {
  const plane = BLOCK_BYTES * count;
  const label = (labels: Uint8Array, bit: number) => labels.subarray(bit * plane, (bit + 1) * plane);
  const sums = memory.bytes(ringBits * plane);
  const c = memory.bytes(plane).fill(0);
  const position = {
    left: memory.bytes(plane),
    right: memory.bytes(plane),
    leftInputs: memory.bytes(plane),
    rightInputs: memory.bytes(plane),
  };
  const ciphers = { left: memory.bytes(plane), right: memory.bytes(plane) };
  for (let bit = 0; bit < ringBits; bit++) {
    adderInputs(label(a, bit), label(b, bit), c, null, position, label(sums, bit), first);
    if (bit === ringBits - 1) break;
    hash.cipher(PURPOSE.generator(bit), position.leftInputs, ciphers.left);
    hash.cipher(PURPOSE.evaluator(bit), position.rightInputs, ciphers.right);
    evaluateAnd(position, ciphers, { generator: rows.take(plane), evaluator: rows.take(plane) }, c);
  }
  return sums;
}

function openDecodeTable(
  hash: GateHash,
  { first, count }: EvaluatorChunk,
  bit: number,
  memory: KernelMemory,
  x: Uint8Array,
  y: Uint8Array,
  rows: Rows,
  opened: Uint32Array,
): void {
  memory.scope(() => {
    const inputs = memory.bytes(BLOCK_BYTES * count);
    const hashes = memory.bytes(BLOCK_BYTES * count);
    pairInputs(x, y, null, inputs, count, first);
    hash.hash(PURPOSE.decode(bit), inputs, hashes);
    evaluatePair(x, y, hashes, rows.take(PAIR_ROW_BYTES * count), opened);
  });
}

function copied(memory: KernelMemory, bytes: Uint8Array): Uint8Array {
  const copy = memory.bytes(bytes.length);
  copy.set(bytes);
  return copy;
}
