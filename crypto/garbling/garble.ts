import { BLOCK_BYTES } from '../../kernels/blocks.ts';
import { garblePair, PAIR_ROW_BYTES, pairInputs } from '../../kernels/decode-tables.ts';
import { adderInputs, garbleAnd } from '../../kernels/half-gates.ts';
import { inKernelMemory, PURPOSE } from '../hash.ts';
import {
  CORRECTION_BYTES,
  checkChunk,
  checkLength,
  deltaOf,
  type Gadget,
  type GarblerKeys,
  gadgetBytes,
} from './gadget.ts';
import { bitLabels, type GarbledChunk, garbleInputs } from './garble-inputs.ts';
import { wrapValues } from './inputs.ts';
import { layerSecrets } from './keys.ts';
import { plane, Rows } from './rows.ts';

/**
 * Garbler, offline. Garbles elements first .. first + count of a layer (docs/protocol.md, section 3). An element is
 * garbled once per `keys`; its index is the tweak of its hashes.
 *
 * `zeroLabels`: the evaluator's wires' labels for 0, from OT [16 * labels * count, position-major]. Returns the
 * tables [tables * count bytes]: digit tables, then the rows of the adder's gates, then decode tables, each
 * position-major, and a correction word per element. They lie in the kernel memory until `take` returns, which copies
 * them to where they are needed. Throws 'crypto/input' on a wrong length or a chunk of more than GADGET_CHUNK elements.
 */
export function garble<Taken = Uint8Array>(
  gadget: Gadget,
  keys: GarblerKeys,
  first: number,
  count: number,
  zeroLabels: Uint8Array,
  take: (tables: Uint8Array) => Taken = copied as (tables: Uint8Array) => Taken,
): Taken {
  const { labels, tables } = gadgetBytes(gadget);
  checkChunk(first, count);
  checkLength('zero labels', zeroLabels, BLOCK_BYTES * labels * count);
  return inKernelMemory((memory) => {
    const delta = memory.bytes(BLOCK_BYTES);
    delta.set(deltaOf(keys));
    const b = memory.bytes(zeroLabels.length);
    b.set(zeroLabels);
    const rows = new Rows(memory.bytes(tables * count));
    const chunk = { secrets: layerSecrets(keys), first, count, memory, delta, rows };
    const corrections = memory.u32(count);
    corrections.set(chunk.secrets.outputMasks(first, count));
    if (gadget.kind === 'relu') garbleRelu(gadget, chunk, b, corrections);
    else garbleRescale(gadget, chunk, b, corrections);
    rows.take(CORRECTION_BYTES * count).set(bytesOf(corrections));
    return take(rows.bytes);
  });
}

function garbleRelu(gadget: Gadget, chunk: GarbledChunk, b: Uint8Array, corrections: Uint32Array): void {
  const { ringBits } = gadget;
  const sums = garbleAdder(gadget, chunk, garbleInputs(gadget, chunk), b);
  const label = (bit: number) => plane(sums, bit, chunk.count);
  for (let bit = 0; bit < ringBits - 1; bit++) {
    // x AND NOT sign, at its place.
    const values: Words = [0, 0, 2 ** bit, 0];
    garbleDecodeTable(chunk, bit, label(bit), label(ringBits - 1), values, corrections);
  }
}

function garbleRescale(gadget: Gadget, chunk: GarbledChunk, b: Uint8Array, corrections: Uint32Array): void {
  const { secrets, first, count, memory } = chunk;
  const a = bitLabels(secrets, 0, first, count, memory);
  garbleDecodeTable(chunk, 0, a, b, wrapValues(gadget), corrections);
}

/** The labels for 0 of the sum's bits [ringBits planes]. */
function garbleAdder({ ringBits }: Gadget, chunk: GarbledChunk, a: Uint8Array, b: Uint8Array): Uint8Array {
  const { secrets, first, count, memory, delta, rows } = chunk;
  const size = BLOCK_BYTES * count;
  const sums = memory.bytes(ringBits * size);
  const c = memory.bytes(size).fill(0); // the carry into bit 0 is the constant 0, whose label is 0
  const position = {
    left: memory.bytes(size),
    right: memory.bytes(size),
    leftInputs: memory.bytes(2 * size),
    rightInputs: memory.bytes(2 * size),
  };
  const ciphers = { left: memory.bytes(2 * size), right: memory.bytes(2 * size) };
  for (let bit = 0; bit < ringBits; bit++) {
    const sum = plane(sums, bit, count);
    adderInputs(plane(a, bit, count), plane(b, bit, count), c, delta, position, sum, first);
    if (bit === ringBits - 1) break; // the carry out of the top bit is dropped
    secrets.hash.cipher(PURPOSE.generator(bit), position.leftInputs, ciphers.left);
    secrets.hash.cipher(PURPOSE.evaluator(bit), position.rightInputs, ciphers.right);
    garbleAnd(position, ciphers, delta, { generator: rows.take(size), evaluator: rows.take(size) }, c);
  }
  return sums;
}

/** Words for the values 00, 01, 10, 11 of two wires. */
type Words = [number, number, number, number];

/**
 * One two-label table per element: the word sigma + values[2x + y] under the labels of x and y. The first row is
 * reduced away, which fixes sigma; it is taken off the element's correction.
 */
function garbleDecodeTable(
  { secrets, first, count, memory, delta, rows }: GarbledChunk,
  bit: number,
  x: Uint8Array,
  y: Uint8Array,
  values: Words,
  corrections: Uint32Array,
): void {
  memory.scope(() => {
    const [inputs, ciphers] = [0, 1].map(() => memory.bytes(4 * BLOCK_BYTES * count));
    pairInputs(x, y, delta, inputs, count, first);
    secrets.hash.cipher(PURPOSE.decode(bit), inputs, ciphers);
    const words = memory.u32(4);
    words.set(values);
    garblePair(x, y, inputs, ciphers, words, rows.take(PAIR_ROW_BYTES * count), corrections);
  });
}

function copied(tables: Uint8Array): Uint8Array {
  return tables.slice();
}

function bytesOf(words: Uint32Array): Uint8Array {
  return new Uint8Array(words.buffer, words.byteOffset, words.byteLength);
}
