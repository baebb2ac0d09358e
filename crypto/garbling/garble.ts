import { BLOCK_BYTES } from '../../kernels/blocks.ts';
import { garblePair, PAIR_ROW_BYTES, pairInputs } from '../../kernels/decode-tables.ts';
import { adderInputs, garbleAnd } from '../../kernels/half-gates.ts';
import type { KernelMemory } from '../../kernels/memory.ts';
import { inKernelMemory, PURPOSE } from '../hash.ts';
import { checkChunk, checkLength, type Gadget, type GarblerKeys, gadgetBytes } from './gadget.ts';
import { garbleInputs, wrapLabels } from './garble-inputs.ts';
import { wrapValues } from './inputs.ts';
import { type LayerSecrets, layerSecrets } from './keys.ts';
import { Rows } from './rows.ts';

/**
 * Garbler, offline. Garbles elements first .. first + count of a layer (protocol.md section 3). An element is
 * garbled once per `keys`; its index is the tweak of its hashes.
 *
 * `zeroLabels`: the evaluator's wires' labels for 0, from OT [16 * labels * count, position-major]. Returns the
 * tables [tables * count bytes]: digit tables, then the rows of the adder's gates, then decode tables, each
 * position-major. Throws 'crypto/input' on a wrong length or a chunk of more than GADGET_CHUNK elements.
 */
export function garble(
  gadget: Gadget,
  keys: GarblerKeys,
  first: number,
  count: number,
  zeroLabels: Uint8Array,
): Uint8Array {
  const { labels, tables } = gadgetBytes(gadget);
  checkChunk(first, count);
  checkLength('zero labels', zeroLabels, BLOCK_BYTES * labels * count);
  const secrets = layerSecrets(keys);
  return inKernelMemory((memory) => {
    const rows = new Rows(memory.bytes(tables * count));
    const delta = memory.bytes(BLOCK_BYTES);
    delta.set(secrets.delta);
    const b = memory.bytes(zeroLabels.length);
    b.set(zeroLabels);
    if (gadget.kind === 'relu') garbleRelu(gadget, secrets, first, count, memory, delta, b, rows);
    else {
      const a = wrapLabels(secrets, first, count, memory);
      const masks = secrets.partialMasks(first, count, 1);
      decodeTable(secrets, first, 0, memory, a, b, delta, masks, wrapValues(gadget), rows);
    }
    return rows.bytes.slice();
  });
}

function garbleRelu(
  gadget: Gadget,
  secrets: LayerSecrets,
  first: number,
  count: number,
  memory: KernelMemory,
  delta: Uint8Array,
  b: Uint8Array,
  rows: Rows,
): void {
  const { ringBits } = gadget;
  const plane = BLOCK_BYTES * count;
  const label = (labels: Uint8Array, bit: number) => labels.subarray(bit * plane, (bit + 1) * plane);
  const a = memory.bytes(ringBits * plane);
  garbleInputs(gadget, secrets, first, count, memory, delta, a, rows);

  const sums = memory.bytes(ringBits * plane);
  const c = memory.bytes(plane).fill(0); // the carry into bit 0 is the constant 0, whose label is 0
  const position = {
    left: memory.bytes(plane),
    right: memory.bytes(plane),
    leftInputs: memory.bytes(2 * plane),
    rightInputs: memory.bytes(2 * plane),
  };
  const ciphers = { left: memory.bytes(2 * plane), right: memory.bytes(2 * plane) };
  for (let bit = 0; bit < ringBits; bit++) {
    adderInputs(label(a, bit), label(b, bit), c, delta, position, label(sums, bit), first);
    if (bit === ringBits - 1) break; // the carry out of the top bit is dropped
    secrets.hash.cipher(PURPOSE.generator(bit), position.leftInputs, ciphers.left);
    secrets.hash.cipher(PURPOSE.evaluator(bit), position.rightInputs, ciphers.right);
    garbleAnd(position, ciphers, delta, { generator: rows.take(plane), evaluator: rows.take(plane) }, c);
  }

  const masks = secrets.partialMasks(first, count, ringBits - 1);
  const sign = label(sums, ringBits - 1);
  for (let bit = 0; bit < ringBits - 1; bit++) {
    // x AND NOT sign, at its place.
    const values: [number, number, number, number] = [0, 0, 2 ** bit, 0];
    const partial = masks.subarray(bit * count, (bit + 1) * count);
    decodeTable(secrets, first, bit, memory, label(sums, bit), sign, delta, partial, values, rows);
  }
}

/** One two-label table per element: the word mask + values[2x + y] under the labels of x and y. */
function decodeTable(
  secrets: LayerSecrets,
  first: number,
  bit: number,
  memory: KernelMemory,
  x: Uint8Array,
  y: Uint8Array,
  delta: Uint8Array,
  masks: Uint32Array,
  values: [number, number, number, number],
  rows: Rows,
): void {
  memory.scope(() => {
    const count = masks.length;
    const inputs = memory.bytes(4 * BLOCK_BYTES * count);
    const hashes = memory.bytes(4 * BLOCK_BYTES * count);
    pairInputs(x, y, delta, inputs, count, first);
    secrets.hash.hash(PURPOSE.decode(bit), inputs, hashes);
    const words = memory.u32(count);
    words.set(masks);
    const word = memory.u32(4);
    word.set(values);
    garblePair(x, y, hashes, words, word, rows.take(PAIR_ROW_BYTES * count));
  });
}
